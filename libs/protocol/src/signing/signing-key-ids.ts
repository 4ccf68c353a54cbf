import { isJsonObject } from '../json/json-value.js';

/**
 * The ids of the Ed25519 keys with which a server has signed an object: those to look up before verifying it.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature
 */
export function signingKeyIds(object: { readonly signatures?: unknown }, serverName: string): string[] {
  const { signatures } = object;
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, serverName) ? signatures[serverName] : undefined;
  return isJsonObject(own) ? Object.keys(own).filter((keyId) => keyId.startsWith('ed25519:')) : [];
}
