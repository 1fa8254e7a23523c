/** The stable code of a failure, or else the class of the error. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { type, code } = error as { type?: unknown; code?: unknown };
  return [type, code].find((one): one is string => typeof one === 'string' && one !== '') ?? error.name;
}
