type Sodium = typeof import('./sodium-library.js').default;

let loaded: Sodium | undefined;

/**
 * Resolves once the cryptography can be used. Await it once at start: everything that signs or verifies is synchronous
 * after it, and fails before it.
 */
export async function ready(): Promise<void> {
  const { default: library } = await import('./sodium-library.js');
  await library.ready;
  loaded = library;
}

/** @throws Error before `ready` has resolved */
export function sodium(): Sodium {
  if (loaded === undefined) throw new Error('nothing can be signed or verified before ready() has resolved');
  return loaded;
}
