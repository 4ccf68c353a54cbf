import { MatrixError } from '@ganglion/contracts';
import { CanonicalJsonError, canonicalJsonString, type JsonObject } from '@ganglion/protocol';
import { badJson, forbidden } from './failures.js';
import type { InteractiveRequest } from './uia-request.js';

/** What is remembered of those who have shown who they are, and of those who have not. */
const MAX_BYTES = 64 * 1_024;
const MAX_ANONYMOUS_BYTES = 8 * 1_024;

/** What a request asks for: its body without `auth`. Many clients send null for what they do not ask for. */
export function parametersOf({ body }: Pick<InteractiveRequest, 'body'>): JsonObject {
  const given = Object.entries(body).filter(([name, value]) => name !== 'auth' && value !== null);
  return Object.fromEntries(given);
}

/**
 * What a request asks for together with those before it in its session: the first word on each parameter counts, later
 * requests may leave it out. Undefined when there is nothing new.
 *
 * @throws MatrixError M_FORBIDDEN when the request asks for something else than those before it, M_BAD_JSON
 */
export function addedParameters(remembered: JsonObject, given: JsonObject): JsonObject | undefined {
  const known = Object.keys(given).filter((name) => Object.hasOwn(remembered, name));
  if (known.some((name) => canonical(given[name]) !== canonical(remembered[name]))) {
    throw forbidden('This authentication session belongs to another request');
  }
  return known.length === Object.keys(given).length ? undefined : { ...given, ...remembered };
}

/** @throws MatrixError M_TOO_LARGE for more than can be remembered, M_BAD_JSON for what has no canonical form */
export function checkRememberable(parameters: JsonObject, { userId }: InteractiveRequest): void {
  const most = userId === undefined ? MAX_ANONYMOUS_BYTES : MAX_BYTES;
  if (Buffer.byteLength(canonical(parameters)) <= most) return;
  throw new MatrixError(413, 'M_TOO_LARGE', `A request that needs authentication may have at most ${most} bytes`);
}

function canonical(value: JsonObject[string]): string {
  try {
    return canonicalJsonString({ value }, { strict: false });
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw badJson(error.message);
    throw error;
  }
}
