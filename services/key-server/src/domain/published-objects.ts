import { canonicalJsonString, isJsonObject, type JsonObject, ProtocolError } from '@ganglion/protocol';
import { badJson } from './failures.js';
import type { PublishedObject } from './ports.js';

/** What a user publishes, and their own signatures of it: those of others are not theirs to publish. */
export function publishedObject(object: JsonObject, userId: string): PublishedObject {
  const { signatures, unsigned: _, ...covered } = object;
  return { json: canonical(covered), signatures: signaturesOf({ signatures }, userId) };
}

/** A user's signatures of an object, by key id. */
export function signaturesOf(
  { signatures }: { readonly signatures?: unknown },
  userId: string,
): Record<string, string> {
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, userId) ? signatures[userId] : undefined;
  if (!isJsonObject(own)) return {};
  const texts = Object.entries(own).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

/** Whether what is signed is what was published: all but signatures and what is not covered by them. */
export function isSameObject({ json }: PublishedObject, object: JsonObject): boolean {
  const { signatures: _, unsigned: __, ...covered } = object;
  return json === canonical(covered);
}

/** The object with a user's own signatures, as it is verified. */
export function signedObject({ json, signatures }: PublishedObject, userId: string): JsonObject {
  return { ...(JSON.parse(json) as JsonObject), signatures: { [userId]: { ...signatures } } };
}

/** @throws MatrixError M_BAD_JSON for what could not be signed */
function canonical(object: JsonObject): string {
  try {
    return canonicalJsonString(object);
  } catch (error) {
    if (error instanceof ProtocolError) throw badJson(error.message);
    throw error;
  }
}
