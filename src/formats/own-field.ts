import type { Row } from '../core/records.js';

/** `__proto__` as the name of a column is data, not a prototype. */
export function setOwn(row: Row, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
  else row[name] = value;
}
