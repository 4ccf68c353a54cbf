import type { RoomVersionRules } from '@ganglion/protocol';
import { BLOCKED } from '../blocked.js';
import { isAllowed } from '../federation/asking-server.js';
import { type Command, command } from '../room-actor.js';
import type { RoomHead } from '../room-head.js';
import { examine, type Incoming, isIncoming, type Outcome } from './examine.js';
import { receivePdus } from './receive-pdus.js';

export interface TextsReceived {
  /** PDUs as JSON texts, as they came. */
  readonly texts: readonly string[];
  readonly backfill: boolean;
  /** Who sends them; undefined when we have asked for them. */
  readonly serverName: string | undefined;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
}

export interface TextsTaken {
  readonly roomNid: number;
  /** What each text is, or why it is no event of the room. */
  readonly examined: readonly (Incoming | Outcome)[];
  /** Of the events, by their ids. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** Examines what another server sends, and takes what is an event into the room. */
export function receiveTexts(received: TextsReceived): Command<TextsTaken> {
  const { texts, serverName, backfill, serverNames } = received;
  let last: { readonly rules: RoomVersionRules; readonly examined: TextsTaken['examined'] } | undefined;
  return command(
    [],
    async (room) => {
      const { rules, roomId, nid: roomNid } = room.head;
      // It may be planned again: what an event is does not change by that.
      if (last?.rules !== rules)
        last = { rules, examined: texts.map((text) => examine(text, roomId, rules, backfill)) };
      const refusal = refusalOf(room.head, serverName);
      const examined = last.examined.map((each) => refuse(each, refusal));
      const incoming = examined.filter(isIncoming);
      // Where everything is refused, nothing of the room changes.
      const received = receivePdus({ incoming, backfill, serverNames });
      const outcomes = incoming.length === 0 ? new Map<string, Outcome>() : await received(room);
      return { roomNid, examined, outcomes };
    },
    { isForBlocked: true },
  );
}

/** Why nothing of a room is taken: at all, or from a server that was not asked for it. */
function refusalOf(head: RoomHead, serverName: string | undefined): string | undefined {
  if (head.blocked) return BLOCKED;
  if (serverName === undefined) return undefined;
  if (head.stateNid === undefined || !head.participating) return 'this server does not take part in the room';
  return isAllowed(head, serverName) ? undefined : `the room's server ACL does not let ${serverName} take part`;
}

function refuse(examined: Incoming | Outcome, reason: string | undefined): Incoming | Outcome {
  if (reason === undefined || !isIncoming(examined)) return examined;
  return { eventId: examined.eventId, fate: 'invalid', reason, missing: [] };
}
