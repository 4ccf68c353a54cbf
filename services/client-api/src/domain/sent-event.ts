import type { Requester } from '@ganglion/http';
import type { JsonObject } from '@ganglion/protocol';

/** A redaction may also be sent as an ordinary event that names its target. */
export function redactionTarget(type: string, { redacts }: JsonObject): string | undefined {
  return type === 'm.room.redaction' && typeof redacts === 'string' ? redacts : undefined;
}

/** What a request that is sent twice is known by. */
export function transactionOf({ userId, deviceId }: Requester, scope: string, txnId: string) {
  return { userId, deviceId, scope, txnId };
}
