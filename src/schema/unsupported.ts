/** What the job spec will mean one day and this version refuses. `but`: the values that already mean what is done. */
const UNSUPPORTED: ReadonlyArray<{
  at: string;
  but?: readonly unknown[];
  only?: readonly unknown[];
  instead?: string;
}> = [
  { at: 'process.use', only: ['http', 'activity'], instead: 'write a processor that makes the call' },
  { at: 'options.order', but: ['source'] },
];

/** The first thing in a spec that this version does not do. Deletes the ones that mean what is done anyway. */
export function takeUnsupported(
  spec: Record<string, unknown>,
): { path: string[]; value: unknown; instead?: string } | null {
  for (const { at, but, only, instead } of UNSUPPORTED) {
    const path = at.split('.');
    const key = path[path.length - 1]!;
    let holder: unknown = spec;
    for (const step of path.slice(0, -1))
      holder = isObject(holder) && Object.hasOwn(holder, step) ? holder[step] : undefined;
    if (!isObject(holder) || !Object.hasOwn(holder, key)) continue;
    const value = holder[key];
    if (only && !only.includes(value)) continue;
    if (but?.includes(value)) {
      delete holder[key];
      continue;
    }
    return { path, value, instead };
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
