/** Quantities as people write them. Each parser returns null where the text is none. */

const BYTE_UNITS: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

const TIME_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const NUMBER_AND_UNIT = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;

/** Whole bytes of `64MiB`, `1.5 GB`, `4096` or a number. */
export function parseBytes(value: unknown): number | null {
  return quantity(value, BYTE_UNITS, 1);
}

/** Milliseconds of `250ms`, `10s`, `30m`, `1h`, `7d`. A bare number has no unit and is refused, but for 0. */
export function parseDuration(value: unknown): number | null {
  return quantity(value, TIME_UNITS, null);
}

function quantity(value: unknown, units: Record<string, number>, bare: number | null): number | null {
  if (value === 0 || value === '0') return 0;
  const match = NUMBER_AND_UNIT.exec(
    typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '',
  );
  if (!match) return null;
  const factor = match[2] === '' ? bare : units[match[2]!.toLowerCase()];
  if (factor === null || factor === undefined) return null;
  const total = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(total) ? total : null;
}
