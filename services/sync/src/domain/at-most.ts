/** Runs something for each item, for so many at once. @throws what the first of them that fails fails with */
export async function forEachAtMost<T>(
  items: readonly T[],
  most: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const work = async () => {
    for (const item of waiting) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
}
