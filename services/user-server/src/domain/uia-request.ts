import { createHash, randomBytes } from 'node:crypto';
import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import { badJson } from './failures.js';
import type { EmailPurpose } from './ports.js';

/** A request to an endpoint that authenticates interactively. */
export interface InteractiveRequest {
  /** Method and URI: a session serves just one of them. */
  readonly endpoint: string;
  /** Whose access token came with it. */
  readonly userId?: string;
  readonly deviceId?: string;
  readonly serverName: string;
  /** Where it came from. */
  readonly address: string;
  /** What an e-mail must have been asked for to let somebody in; undefined where none does. */
  readonly emailFor?: EmailPurpose;
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
