import { MatrixError } from '@ganglion/contracts';
import { isNamespacedIdentifier } from '@ganglion/protocol';
import { invalidParam } from './failures.js';

const MAX_NAME_BYTES = 255;
const MAX_DISPLAYNAME = 256;
const MAX_AVATAR_URL = 1000;

/** What rooms show of their members. */
const SHOWN_IN_ROOMS = new Set(['displayname', 'avatar_url']);

export function isShownInRooms(name: string): boolean {
  return SHOWN_IN_ROOMS.has(name);
}

/** @throws MatrixError M_KEY_TOO_LARGE, M_INVALID_PARAM */
export function checkFieldName(name: string): void {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new MatrixError(400, 'M_KEY_TOO_LARGE', `A field's name may have at most ${MAX_NAME_BYTES} bytes`);
  }
  if (!isNamespacedIdentifier(name)) throw invalidParam(`${name} is not a name that a profile field can have`);
}

/**
 * Checks a value against what the specification says about its field.
 *
 * @throws MatrixError M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname
 */
export function checkFieldValue(name: string, value: unknown): void {
  if (name === 'displayname') checkText(name, value, MAX_DISPLAYNAME);
  if (name === 'm.tz') checkText(name, value, MAX_NAME_BYTES);
  // Bridges and old clients put all sorts of URIs there; what is not an mxc:// URI is shown by nobody.
  if (name === 'avatar_url') checkText(name, value, MAX_AVATAR_URL);
}

/** Clients of old take a name or an avatar away by setting it to nothing. */
export function isRemoval(name: string, value: unknown): boolean {
  return isShownInRooms(name) && value === '';
}

function checkText(name: string, value: unknown, maxLength: number): void {
  if (typeof value !== 'string') throw invalidParam(`${name} must be a string`);
  if (value.length > maxLength) throw invalidParam(`${name} may have at most ${maxLength} characters`);
}
