import type { Issue } from './errors.js';

/** A text as it may be shown: without what is secret. */
export type Mask = (text: string) => string;

/** What is shorter stands in any text by chance. */
const SHORTEST = 6;

/**
 * Messages come from many places: drivers, servers, the code of users. Whatever they quote of the secrets of this process is
 * shown as `***`, also in the forms that it has in URLs and in JSON.
 */
export function maskOf(secrets: readonly string[] = []): Mask {
  const forms = secrets
    .filter(({ length }) => length >= SHORTEST)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  // The longest first: one may be a part of another.
  const ordered = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((shown, form) => shown.replaceAll(form, '***'), text);
}

/** Faults as they may be shown; their places are those of the spec. */
export function masked(issues: readonly Issue[], mask: Mask): Issue[] {
  return issues.map(({ path, message }) => ({ path, message: mask(message) }));
}
