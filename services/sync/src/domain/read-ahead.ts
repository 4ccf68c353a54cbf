/**
 * What is made of items, of which one more is read than was asked for. Resolves when the first is there.
 *
 * @throws what reading the first item fails with; the others fail where they are asked for
 */
export async function readAhead<T, U>(items: AsyncGenerator<T>, make: (item: T) => U): Promise<AsyncIterable<U>> {
  const first = await items.next();
  return (async function* () {
    for (let item = first; !item.done; ) {
      const next = items.next();
      // Whoever asks may be gone by the time that it fails.
      next.catch(() => {});
      yield make(item.value);
      item = await next;
    }
  })();
}
