import { domainOf, type JsonObject } from '@ganglion/protocol';
import type { BuiltEvent } from '../event-builder.js';
import { checkMemberIsKnown } from '../partial-state.js';
import type { RoomStore } from '../ports/rooms.js';
import { type Command, command } from '../room-actor.js';
import { checkTakesPart } from '../send-event.js';
import { checkAcl } from './asking-server.js';
import { entriesForStrangers } from './stripped-entries.js';

export interface InviteToMake {
  readonly sender: string;
  /** A user of another server. */
  readonly target: string;
  /** Further keys of the content. */
  readonly content: JsonObject;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
}

/** An invite, with the numbers of the events that whoever is invited is shown. */
export interface MadeInvite extends BuiltEvent {
  readonly shownNids: readonly number[];
}

/**
 * An invite of a user of another server, signed by us and placed nowhere yet: their server has to sign it first.
 *
 * @throws MatrixError M_FORBIDDEN, also for a server that the room's server ACL shuts out
 * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
export function makeInvite(store: RoomStore, invite: InviteToMake): Command<MadeInvite> {
  const { sender, target, originServerTs } = invite;
  const people = [sender, target];
  return command(
    people.map((stateKey) => ({ type: 'm.room.member', stateKey })),
    async (room) => {
      await checkTakesPart(store, room.head);
      checkAcl(room.head, domainOf(target));
      checkMemberIsKnown(room.head, target);
      const { join_authorised_via_users_server: _, ...asked } = invite.content;
      const content = { ...asked, membership: 'invite' };
      const built = await room.buildToSend({
        type: 'm.room.member',
        sender,
        stateKey: target,
        content,
        originServerTs,
      });
      return { ...built, shownNids: await entriesForStrangers(store, room.head.root, [sender]) };
    },
  );
}
