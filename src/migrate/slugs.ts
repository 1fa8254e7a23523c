const MAX_ID = 200;

/** `Nightly report: EU` -> `nightly-report-eu`. Empty where nothing of it is a letter or digit of ASCII. */
export function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_ID - 40)
    .replace(/-+$/, '');
}

/** The ids of entries in the order of their keys: the first with a slug has it, the others their keys behind it. */
export function idsOf(entries: ReadonlyArray<{ name: string; pk: string }>): string[] {
  const slugs = entries.map(({ name }) => slug(name));
  const taken = new Set<string>();
  const ids = slugs.map((one) => {
    if (one === '' || taken.has(one)) return null;
    taken.add(one);
    return one;
  });
  return ids.map((id, n) => {
    if (id !== null) return id;
    let next = `${slugs[n] || 'task'}-${slug(entries[n]!.pk)}`;
    while (taken.has(next)) next += '-x';
    taken.add(next);
    return next;
  });
}
