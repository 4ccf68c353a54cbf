import { MatrixError } from '@ganglion/contracts';
import type { Requester } from '@ganglion/http';
import type { JsonObject } from '@ganglion/protocol';

/** A redaction may also be sent as an ordinary event that names its target. @throws MatrixError M_BAD_JSON for what no event is called */
export function redactionTarget(type: string, { redacts }: JsonObject): string | undefined {
  if (type !== 'm.room.redaction' || typeof redacts !== 'string') return undefined;
  if (redacts.includes('\0')) throw new MatrixError(400, 'M_BAD_JSON', 'redacts must have no NUL');
  return redacts;
}

/**
 * What a request that is sent twice is known by. Who logs out and in again is another device, whatever it is called.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
 */
export function transactionOf({ userId, deviceId, deviceNid }: Requester, endpoint: string, txnId: string) {
  return { userId, deviceId, scope: deviceNid === undefined ? endpoint : `${deviceNid} ${endpoint}`, txnId };
}
