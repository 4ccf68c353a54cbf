import type { Pdu } from '@ganglion/protocol';

/**
 * Refuses what the read model has no place for. The room-server lets nothing of the kind in; were it to come all the
 * same, the database's refusal would hold up everything after it in the room.
 *
 * @throws TypeError saying what is wrong
 */
export function checkStorable({ type, state_key, sender, origin_server_ts, content }: Pdu): void {
  for (const text of [type, sender, ...(state_key === undefined ? [] : [state_key])]) {
    if (typeof text !== 'string' || hasNul(text)) throw new TypeError('a name is no text without NUL');
  }
  if (!Number.isSafeInteger(origin_server_ts)) throw new TypeError('origin_server_ts is no integer');
  if (typeof content !== 'object' || content === null) throw new TypeError('the content is no object');
}

/** Whether the read model has a place for an entry of the state; the event of one that it has not is refused, too. */
export function isStorableKey({ type, stateKey }: { type: string; stateKey: string }): boolean {
  return !hasNul(type) && !hasNul(stateKey);
}

function hasNul(text: string): boolean {
  return text.includes('\0');
}
