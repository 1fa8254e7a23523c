/** What was found out for a key, so that it is found out once. Keeps the newest `most` of them; failures are asked for anew. */
export function createMemo<T>(most: number): (key: string, find: () => Promise<T>) => Promise<T> {
  const known = new Map<string, T>();
  return async (key, find) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = await find();
    if (known.size >= most) known.delete(known.keys().next().value!);
    known.set(key, value);
    return value;
  };
}
