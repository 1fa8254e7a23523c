import { MillraceError } from '../../core/errors.js';
import { CR, LF } from '../csv-scan.js';
import type { Blocks } from './blocks.js';

const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const MARK = [0xef, 0xbb, 0xbf];
/** Of a key only so much is kept: none that is asked for is longer. */
const MAX_KEY = 4096;

type Named = (message: string) => string;

/** What is open around the byte at hand, on the way to the array. */
interface Container {
  array: boolean;
  /** Whether all of the pointer up to here has matched. */
  onPath: boolean;
  /** Of an array: the number of the element at hand. */
  index: number;
  /** Of an object: the key of the value at hand; null where its key is still to come. */
  key: string | null;
}

/**
 * One array of a JSON document as NDJSON: an element a line, every byte at the place where it was, so that a record is found
 * again by its offset. What is not of an element becomes line ends, and line ends within an element become spaces.
 * @param pointer where the array is, as RFC 6901 has it; empty: the document itself
 */
export async function* arrayAsLines(blocks: Blocks, pointer: string, named: Named): AsyncGenerator<Buffer> {
  const view = new ArrayView(pointer, named);
  for await (const block of blocks) {
    view.turn(block);
    yield block;
  }
  view.end();
}

class ArrayView {
  private readonly wanted: string[];
  private readonly open: Container[] = [];
  private phase: 'before' | 'within' | 'behind' = 'before';
  /** Containers open within the element at hand, or, behind the array, around it. */
  private depth = 0;
  private inText = false;
  private escaped = false;
  private keyBytes: number[] | null = null;
  private offset = 0;

  constructor(
    private readonly pointer: string,
    private readonly named: Named,
  ) {
    this.wanted = tokensOf(pointer);
  }

  /** Changes the bytes of the next block in place. */
  turn(block: Buffer): void {
    let i = 0;
    while (i < block.length) {
      if (this.phase === 'before') i = this.seek(block, i);
      else if (this.phase === 'within') i = this.elements(block, i);
      else i = this.rest(block, i);
    }
    this.offset += block.length;
  }

  /** @throws MillraceError where the document is not whole, or has no such array */
  end(): void {
    if (this.phase === 'within' || this.inText || (this.phase === 'behind' && this.depth > 0) || this.open.length > 0) {
      throw new MillraceError(
        'source.truncated',
        this.named(`ends in the middle of its JSON, after ${this.offset} bytes; copy it again`),
      );
    }
    if (this.phase === 'before') throw this.noArray(this.offset === 0 ? 'it is empty' : 'nothing is there');
  }

  private seek(block: Buffer, from: number): number {
    for (let i = from; i < block.length; i++) {
      const byte = block[i]!;
      block[i] = LF;
      if (this.inText) {
        this.text(byte);
        continue;
      }
      if (byte === MARK[this.offset + i] || byte === SPACE || byte === LF || byte === CR || byte === TAB) continue;
      const around = this.open.at(-1);
      switch (byte) {
        case QUOTE:
          this.inText = true;
          this.keyBytes = around?.onPath && !around.array && around.key === null ? [] : null;
          if (!around) throw this.noArray('it is a text');
          break;
        case OPEN_ARRAY:
        case OPEN_OBJECT: {
          const onPath = !around || (around.onPath && this.tokenOf(around) === this.wanted[this.open.length - 1]);
          const array = byte === OPEN_ARRAY;
          if (onPath && this.open.length === this.wanted.length) {
            if (!array) throw this.noArray('it is an object', i);
            this.phase = 'within';
            this.depth = 0;
            return i + 1;
          }
          this.open.push({ array, onPath, index: 0, key: null });
          break;
        }
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          if (!around || around.array !== (byte === CLOSE_ARRAY)) throw this.corrupt(i, byte);
          this.open.pop();
          break;
        case COMMA:
          if (!around) throw this.corrupt(i, byte);
          around.index++;
          around.key = null;
          break;
        case COLON:
          break;
        default:
          if (!around) throw byte > 0x7f || byte < SPACE ? this.corrupt(i, byte) : this.noArray('it is a single value');
      }
    }
    return block.length;
  }

  private tokenOf({ array, index, key }: Container): string | null {
    return array ? String(index) : key;
  }

  private elements(block: Buffer, from: number): number {
    let { inText, escaped, depth } = this;
    let i = from;
    for (; i < block.length; i++) {
      const byte = block[i]!;
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
        continue;
      }
      // Letters, digits and most signs.
      if (byte > COMMA && byte !== OPEN_ARRAY && byte !== CLOSE_ARRAY && byte < OPEN_OBJECT) continue;
      if (byte === QUOTE) inText = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (byte === CLOSE_OBJECT) {
        if (depth === 0) throw this.corrupt(i, byte);
        depth--;
      } else if (byte === CLOSE_ARRAY) {
        if (depth === 0) {
          block[i] = LF;
          this.phase = 'behind';
          this.depth = this.open.length;
          this.open.length = 0;
          this.inText = false;
          return i + 1;
        }
        depth--;
      } else if (byte === COMMA) {
        if (depth === 0) block[i] = LF;
      } else if (byte === LF || byte === CR) block[i] = SPACE;
    }
    this.inText = inText;
    this.escaped = escaped;
    this.depth = depth;
    return i;
  }

  private rest(block: Buffer, from: number): number {
    for (let i = from; i < block.length; i++) {
      const byte = block[i]!;
      block[i] = LF;
      if (this.inText) this.text(byte);
      else if (byte === QUOTE) {
        if (this.depth === 0) throw this.corrupt(i, byte);
        this.inText = true;
        this.keyBytes = null;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.depth--;
      else if (this.depth === 0 && byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB)
        throw this.corrupt(i, byte);
      if (this.depth < 0) throw this.corrupt(i, byte);
    }
    return block.length;
  }

  /** A byte of a text outside of the array. */
  private text(byte: number): void {
    if (!this.escaped && byte === QUOTE) {
      this.inText = false;
      if (this.keyBytes) this.open.at(-1)!.key = keyOf(this.keyBytes);
      this.keyBytes = null;
      return;
    }
    this.escaped = !this.escaped && byte === BACKSLASH;
    if (this.keyBytes && this.keyBytes.length < MAX_KEY) this.keyBytes.push(byte);
  }

  private corrupt(i: number, byte: number): MillraceError {
    const found = byte > SPACE && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`;
    return new MillraceError(
      'source.corrupt_json',
      this.named(`is no JSON: found ${found} at byte ${this.offset + i}`),
    );
  }

  private noArray(found: string, at?: number): MillraceError {
    const where = this.pointer === '' ? 'its document' : `"${this.pointer}" (source.json.pointer)`;
    const place = at === undefined ? '' : ` at byte ${this.offset + at}`;
    return new MillraceError(
      'source.not_an_array',
      this.named(`has no array at ${where}: ${found}${place}; name the array by source.json.pointer, such as "/items"`),
    );
  }
}

/** The steps of a JSON pointer (RFC 6901). */
export function tokensOf(pointer: string): string[] {
  const tokens = pointer === '' ? [] : pointer.slice(1).split('/');
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function keyOf(bytes: number[]): string {
  const text = Buffer.from(bytes).toString('utf8');
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
