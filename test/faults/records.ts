/** Records that tell what must become of them, so that the fate of each can be checked without a second engine. */

const RECORDS = 12_000;

export interface Sums {
  records: number;
  ids: number;
  squares: number;
}

/** Its number is none: the reader rejects it. */
const isBad = (id: number) => id % 97 === 0;
/** The processor rejects it. */
export const isRefused = (id: number) => id % 89 === 1;
export const isFiltered = (id: number) => id % 10 === 3;

const IDS = Array.from({ length: RECORDS }, (_, id) => id);

/** Quoted line ends in it make a range that begins anywhere guess. */
export function csvText(): string {
  return `id,n,text\n${IDS.map((id) => `${id},${isBad(id) ? 'x' : id * 2},"${id % 50 === 0 ? 'two\nlines' : 'one line'}"\n`).join('')}`;
}

export function ndjsonText(): string {
  return IDS.map((id) => `{"id":${id},"n":${isBad(id) ? '' : id * 2},"text":"one line"}\n`).join('');
}

/** The ids of each fate; `refuses`: whether the processor refuses and filters records, beside those that are bad. */
export function fatesOf({ refuses, filters }: { refuses: boolean; filters: boolean }) {
  const rejected = IDS.filter((id) => isBad(id) || (refuses && isRefused(id)));
  const gone = new Set(rejected);
  const filtered = IDS.filter((id) => !gone.has(id) && filters && isFiltered(id));
  for (const id of filtered) gone.add(id);
  return { used: IDS.filter((id) => !gone.has(id)), filtered, rejected };
}

export function sumsOf(ids: readonly number[]): Sums {
  const sums = { records: ids.length, ids: 0, squares: 0 };
  for (const id of ids) {
    sums.ids += id;
    sums.squares += id * id;
  }
  return sums;
}
