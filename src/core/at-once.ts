/** Does something with each, so many at a time, and gives what they gave in their order. With a fault no more are begun, and those that were are waited for. */
export async function atOnce<T, R>(
  most: number,
  all: readonly T[],
  use: (one: T, index: number) => Promise<R>,
): Promise<R[]> {
  const made = new Array<R>(all.length);
  let next = 0;
  const lane = async () => {
    while (next < all.length) {
      const index = next++;
      try {
        made[index] = await use(all[index]!, index);
      } catch (error) {
        next = all.length;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(most, all.length) }, lane));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return made;
}
