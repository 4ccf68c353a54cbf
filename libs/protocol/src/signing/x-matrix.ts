import { ProtocolError } from '../errors.js';
import { isValidServerName } from '../identifiers/server-name.js';
import { canonicalJsonString, MAX_ENVELOPE_NESTING } from '../json/canonical-json.js';
import type { JsonObject, JsonValue } from '../json/json-value.js';
import { decodeBase64 } from './base64.js';
import { signBytes, signedBytes, verifyBytes, verifyJsonSignature } from './json-signature.js';
import type { SigningKey } from './signing-key.js';

/** An `Authorization` header that is no `X-Matrix` header as the specification has it. */
export class InvalidXMatrixError extends ProtocolError {}

/** What the `Authorization` header of a request between servers says. */
export interface XMatrix {
  readonly origin: string;
  /** Absent from what older servers send. */
  readonly destination?: string;
  /** The id of the key that signed the request. */
  readonly key: string;
  readonly signature: string;
}

/** A request between servers, as far as its signature covers it. */
export interface SignedRequest {
  readonly method: string;
  /** The path with its query, as it is on the request line. */
  readonly uri: string;
  readonly origin: string;
  readonly destination?: string | undefined;
  /** The body, if there is one. */
  readonly content?: JsonValue | undefined;
}

/** A request of another server. */
export interface ReceivedRequest extends SignedRequest {
  /** The body to the letter, of which `content` was read. */
  readonly contentText?: string | undefined;
}

const SCHEME = /^x-matrix +/i;

/** A name and a token or a quoted string; older servers leave colons unquoted, and padded base64 its `=`. */
const PARAMETER = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))[ \t]*(?:,|$)/y;

/** More than any header needs that a server sends. */
const MAX_HEADER = 4_096;

/**
 * Reads the header; parameters that are unknown are ignored.
 *
 * @throws {InvalidXMatrixError}
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function parseXMatrix(header: string): XMatrix {
  const scheme = SCHEME.exec(header)?.[0];
  if (scheme === undefined || header.length > MAX_HEADER) throw new InvalidXMatrixError('Not an X-Matrix header');
  const parameters = readParameters(header, scheme.length);
  const { origin, destination, key, sig: signature } = Object.fromEntries(parameters) as Record<string, string>;
  if (!isValidServerName(origin)) throw new InvalidXMatrixError('origin is not a server name');
  if (key === undefined || key === '') throw new InvalidXMatrixError('key is missing');
  if (signature === undefined || signature === '') throw new InvalidXMatrixError('sig is missing');
  return destination === undefined ? { origin, key, signature } : { origin, destination, key, signature };
}

function readParameters(header: string, from: number): Map<string, string> {
  const found = new Map<string, string>();
  PARAMETER.lastIndex = from;
  while (PARAMETER.lastIndex < header.length) {
    const match = PARAMETER.exec(header);
    if (match === null) throw new InvalidXMatrixError('The X-Matrix header is malformed');
    const [, name = '', quoted, bare = ''] = match;
    const key = name.toLowerCase();
    if (found.has(key)) throw new InvalidXMatrixError(`${key} is given twice`);
    found.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? bare);
  }
  return found;
}

/**
 * The value of the `Authorization` header for a request of ours. The names must be server names, which need no escapes.
 *
 * @throws {CanonicalJsonError} when the content has no canonical form
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function authorizeRequest(request: SignedRequest & { readonly destination: string }, key: SigningKey): string {
  const message = signedBytes(asSigned(request), { strict: false, maxNesting: MAX_ENVELOPE_NESTING });
  const signature = signBytes(message, key);
  return `X-Matrix origin="${request.origin}",destination="${request.destination}",key="${key.keyId}",sig="${signature}"`;
}

/**
 * True when the header's signature is that of the request with this key.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function isAuthorizedRequest(request: ReceivedRequest, header: XMatrix, publicKey: Uint8Array): boolean {
  if (isSignedAsItCame(request, header, publicKey)) return true;
  const signatures = { [header.origin]: { [header.key]: header.signature } };
  return verifyJsonSignature({ ...asSigned(request), signatures }, header.origin, header.key, publicKey, {
    strict: false,
  });
}

/** Most servers send the canonical form that they have signed: it need not be written anew, which costs more than all else. */
function isSignedAsItCame(request: ReceivedRequest, { signature }: XMatrix, publicKey: Uint8Array): boolean {
  const { contentText, content: _, ...rest } = request;
  if (contentText === undefined) return false;
  try {
    const others = canonicalJsonString(asSigned(rest));
    const message = `{"content":${contentText},${others.slice(1)}`;
    return verifyBytes(new TextEncoder().encode(message), decodeBase64(signature), publicKey);
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function asSigned({ method, uri, origin, destination, content }: SignedRequest): JsonObject {
  return {
    ...{ method, uri, origin },
    ...(destination !== undefined && { destination }),
    ...(content !== undefined && { content }),
  };
}
