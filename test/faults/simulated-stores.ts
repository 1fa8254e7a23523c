import type { Random } from '../helpers/random.js';

/** At the `call`-th call of a process to its stores it dies, or the disk is full where that call writes. */
export interface Fault {
  call: number;
  what: 'dies before' | 'dies after' | 'disk is full';
}

const WRITES = new Set<unknown>(['append', 'adopt', 'publish', 'publishFile', 'replace', 'stage', 'stageFile', 'file']);

/** These only say how something is named. */
const NAMES = new Set<unknown>(['localPath', 'uriOf']);

/**
 * Lets the calls of several processes through one at a time, in an order that the seed alone decides: the next one is
 * chosen when all of them wait at a call.
 */
export class Turns {
  private readonly waiting: Array<() => Promise<void>> = [];
  private turning = false;

  constructor(private readonly random: Random) {}

  take<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.push(() => call().then(resolve, reject));
      if (!this.turning) void this.turn();
    });
  }

  private async turn(): Promise<void> {
    this.turning = true;
    for (;;) {
      // Everything that can go on without a call does so first.
      await new Promise((idle) => setImmediate(idle));
      if (this.waiting.length === 0) break;
      const [next] = this.waiting.splice(this.random.below(this.waiting.length), 1);
      await next!();
    }
    this.turning = false;
  }
}

/** One process: its calls to the stores go through `turns`, until it dies. Nothing of a dead process ever happens. */
export class Process {
  private calls = 0;
  private dead = false;
  private die!: () => void;
  private readonly open: object[] = [];
  /** Fulfils when it dies. */
  readonly death = new Promise<'died'>((resolve) => (this.die = () => resolve('died')));

  constructor(
    private readonly turns: Turns,
    private readonly fault: Fault | null,
  ) {}

  /** An object whose methods are calls of this process, those of what they return included. */
  over<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (NAMES.has(name)) return member.bind(target) as unknown;
        return async (...args: unknown[]) => {
          const result = await this.call(name, () => Reflect.apply(member, target, args) as Promise<unknown>);
          return isPort(result) ? this.over(result) : result;
        };
      },
    });
  }

  /** Once the run was looked at: what a dead process had staged. Its files are open still, which no other way closes. */
  async bury(): Promise<void> {
    if (this.dead) await this.release('discard');
  }

  private async release(by: 'close' | 'discard'): Promise<void> {
    for (const port of this.open) {
      if (by in port) await (port as Record<typeof by, () => Promise<void>>)[by]().catch(() => undefined);
    }
  }

  private call<T>(name: string | symbol, run: () => Promise<T>): Promise<T> {
    return this.turns
      .take(async () => {
        if (this.dead) return;
        const fault = ++this.calls === this.fault?.call ? this.fault.what : null;
        if (fault === 'disk is full' && WRITES.has(name)) throw noSpace();
        const result = fault === 'dies before' ? null : await run();
        if (isPort(result)) this.open.push(result);
        if (fault === null || fault === 'disk is full') return { result };
        this.dead = true;
        await this.release('close');
        this.die();
        return;
      })
      .then((done) => (done ? (done.result as T) : new Promise<never>(() => undefined)));
  }
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

function isPort(value: unknown): value is object {
  const isObject = typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
  return isObject && Object.values(value).some((member) => typeof member === 'function');
}
