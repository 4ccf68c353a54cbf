import type { ErasedUsers } from './federation/erased-users.js';
import type { StateSource } from './ports/state-source.js';
import type { StateEvent, UserInRoom } from './visible-state.js';

export type ErasureKnown = Pick<ErasedUsers, 'known'>;

interface Asked {
  readonly nid: number;
  readonly sender: string;
}

/**
 * The numbers of those events, and of redactions of them, that a reader is shown redacted: what users of ours have said of somebody's
 * membership, or as the reason of a redaction, who were erased since, unless the reader was in the room then. All other state is
 * the room's, whoever has set it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export async function hiddenOfErased(
  source: StateSource,
  { roomNid, userId }: Pick<UserInRoom, 'roomNid'> & { readonly userId: string },
  events: readonly StateEvent[],
  erased: ReadonlySet<string>,
): Promise<ReadonlySet<number>> {
  if (erased.size === 0) return new Set();
  const byErased = events
    .flatMap((event): Asked[] => [
      ...(erased.has(event.sender) && isMember(event) ? [{ nid: event.eventNid, sender: event.sender }] : []),
      ...(event.redaction === undefined ? [] : [event.redaction]),
    ])
    .filter(({ sender }) => erased.has(sender));
  if (byErased.length === 0) return new Set();
  const nids = byErased.map(({ nid }) => nid);
  return new Set(nids).difference(await source.joinedAfter(roomNid, nids, userId));
}

const isMember = ({ pduJson }: StateEvent) => JSON.parse(pduJson).type === 'm.room.member';
