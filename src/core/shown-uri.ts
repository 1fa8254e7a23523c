/** A URI as names, labels and messages have it: a web URL without its query, which often is what opens it. */
export function shownUri(uri: string): string {
  if (!/^https?:/i.test(uri) || !URL.canParse(uri)) return uri;
  const { origin, pathname } = new URL(uri);
  return origin + pathname;
}
