import sodium from 'libsodium-wrappers';

/**
 * Resolves once the cryptography can be used. Await it once at start: everything that signs or verifies is synchronous
 * after it, and fails before it.
 */
export async function ready(): Promise<void> {
  await sodium.ready;
}

export { sodium };
