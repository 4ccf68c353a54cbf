import { randomInt } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import { isValidLocalpart, isValidUserId } from '@ganglion/protocol';
import { lowerCased } from './local-servers.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const GENERATED_LENGTH = 12;

/**
 * The user id that a username stands for on a server.
 *
 * @throws MatrixError M_INVALID_USERNAME
 * @see https://spec.matrix.org/v1.19/appendices/#user-identifiers
 */
export function userIdForUsername(username: string, serverName: string): string {
  const localpart = lowerCased(username);
  if (!isValidLocalpart(localpart)) {
    throw invalidUsername('A username can only contain the characters a-z, 0-9, or =_-./+');
  }
  // Bridges claim such names for the users of other networks.
  if (localpart.startsWith('_')) throw invalidUsername('A username may not begin with _');
  const userId = `@${localpart}:${serverName}`;
  if (!isValidUserId(userId)) throw invalidUsername('A user id may not be longer than 255 bytes');
  return userId;
}

/** A user id for somebody who asked for no particular one. */
export function randomUserId(serverName: string): string {
  const localpart = Array.from({ length: GENERATED_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return `@${localpart}:${serverName}`;
}

function invalidUsername(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_USERNAME', message);
}
