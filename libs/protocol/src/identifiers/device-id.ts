import { exceedsIdentifierLimit } from './byte-length.js';

const UNPRINTABLE = /\p{Cc}/u;

/**
 * True for a device id that this server lets anyone have. The specification leaves them open; no control characters and at
 * most 255 bytes of them keep logs, paths and databases well.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices
 */
export function isValidDeviceId(id: unknown): id is string {
  return (
    typeof id === 'string' && id !== '' && !exceedsIdentifierLimit(id) && id.isWellFormed() && !UNPRINTABLE.test(id)
  );
}

const SCOPE_CHARACTERS = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * True for a device id that a client may choose in an OAuth 2.0 scope.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-id-allocation
 */
export function isValidScopeDeviceId(id: unknown): id is string {
  return isValidDeviceId(id) && SCOPE_CHARACTERS.test(id);
}
