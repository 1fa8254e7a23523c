import { folderValues, partitionValues } from '../src/core/partition.js';
import type { PartitionValue } from '../src/core/partition.js';
import type { Column, ColumnType, Row } from '../src/core/records.js';
import type { SourceSpec } from '../src/core/spec.js';
import { commonType, typeOfText } from '../src/formats/infer-types.js';
import type { FoundObject } from '../src/stores/port.js';

/** The columns that the folders of a source's files name, and for each file its values of them. */
export interface FolderColumns {
  columns: Column[];
  values: Row[];
}

/** Null where folders name nothing: neither a committed result nor the spec says that they do. */
export function folderColumns(found: readonly FoundObject[], { partitions }: SourceSpec): FolderColumns | null {
  const said = found.map(({ uri, partition }) =>
    partition !== undefined ? partitionValues(partition) : partitions === 'hive' ? folderValues(uri) : [],
  );
  const names = [...new Set(said.flatMap((values) => values.map(({ column }) => column)))];
  if (names.length === 0) return null;
  const columns = names.map((name) => ({ name, type: typeOf(said.flatMap((values) => textOf(values, name) ?? [])) }));
  const values = said.map((own) =>
    Object.fromEntries(columns.map(({ name, type }) => [name, valueOf(textOf(own, name), type)])),
  );
  return { columns, values };
}

function textOf(values: readonly PartitionValue[], name: string): string | null {
  return values.find(({ column }) => column === name)?.value ?? null;
}

/** As in CSV; but numbers that JSON would not hold, in which plans are kept, are texts. */
function typeOf(texts: readonly string[]): ColumnType {
  const type = commonType(new Set(texts.map(typeOfText)));
  const held = (text: string) => (type === 'int' ? Number.isSafeInteger(Number(text)) : Number.isFinite(Number(text)));
  return (type === 'int' || type === 'float') && !texts.every(held) ? 'string' : type;
}

function valueOf(text: string | null, type: ColumnType): unknown {
  if (text === null) return null;
  if (type === 'int' || type === 'float') return Number(text);
  return type === 'bool' ? text.toLowerCase() === 'true' : text;
}
