/** How folders of a partitioned output are named, the Hive way: `year=2024/origin=JFK`. */

/** Stands for null. */
export const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';

/** A column that a partitioned output is split by, with its value as text. */
export interface PartitionValue {
  column: string;
  value: string | null;
}

export function partitionPath(values: readonly PartitionValue[]): string {
  return values
    .map(({ column, value }) => `${escaped(column)}=${value === null ? NO_VALUE : escaped(value)}`)
    .join('/');
}

/** What a path says; the reverse of `partitionPath`. */
export function partitionValues(path: string): PartitionValue[] {
  return path.split('/').map((segment) => {
    const at = segment.indexOf('=');
    const text = segment.slice(at + 1);
    return { column: unescaped(segment.slice(0, at)), value: text === NO_VALUE ? null : unescaped(text) };
  });
}

/** What the folders above a file say, whoever made them; others are passed over. */
export function folderValues(file: string): PartitionValue[] {
  const folders = file.split(/[/\\]/).slice(0, -1);
  return folders.filter((segment) => /^[^=]+=/.test(segment)).flatMap(partitionValues);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As the SQL engine escapes. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
