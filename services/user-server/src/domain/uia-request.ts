import { createHash, createHmac, randomBytes } from 'node:crypto';
import { CanonicalJsonError, canonicalJsonString, isJsonObject, type JsonObject } from '@ganglion/protocol';
import { badJson } from './failures.js';

/** A request to an endpoint that authenticates interactively. */
export interface InteractiveRequest {
  /** Method and path: a session serves just one of them. */
  readonly endpoint: string;
  /** Whose access token came with it. */
  readonly userId?: string;
  readonly serverName: string;
  /** The whole body, `auth` included. */
  readonly body: JsonObject;
}

/** The `auth` of a request. */
export interface AuthData {
  readonly type?: string;
  readonly session?: string;
  readonly fields: JsonObject;
}

/** @throws MatrixError M_BAD_JSON */
export function authDataOf({ body }: InteractiveRequest): AuthData | undefined {
  const auth = body.auth;
  if (auth === undefined || auth === null) return undefined;
  if (!isJsonObject(auth)) throw badJson('auth must be an object');
  const { type, session } = auth;
  if (type !== undefined && typeof type !== 'string') throw badJson('auth.type must be a string');
  if (session !== undefined && typeof session !== 'string') throw badJson('auth.session must be a string');
  return { fields: auth, ...(type !== undefined && { type }), ...(session !== undefined && { session }) };
}

export function newSessionId(): string {
  return randomBytes(24).toString('base64url');
}

/** What is stored in place of a session's id. */
export function hashSessionId(session: string): Buffer {
  return createHash('sha256').update(session).digest();
}

/**
 * What tells one request from another: its body without `auth`. Keyed with the session's id, which we do not keep: a
 * body may hold a password. Undefined for a body that says nothing yet, as that of a client that asks for the flows.
 *
 * @throws MatrixError M_BAD_JSON for a body that has no canonical form
 */
export function digestBody({ body }: InteractiveRequest, session: string): Buffer | undefined {
  const { auth: _, ...rest } = body;
  if (Object.keys(rest).length === 0) return undefined;
  try {
    return createHmac('sha256', session)
      .update(canonicalJsonString(rest, { strict: false }))
      .digest();
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw badJson(error.message);
    throw error;
  }
}
