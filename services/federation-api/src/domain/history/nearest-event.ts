import { type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import { isVerified, type VerifiedPdu } from '../pdus/pdu-verifier.js';
import { type Asked, isOver, type NearTime } from '../ports/incoming.js';
import { type BackfillDependencies, placeBackfilled } from './backfilled-events.js';
import type { ServersToAsk } from './servers-to-ask.js';

export interface NearestEventDependencies extends BackfillDependencies {
  readonly servers: ServersToAsk;
  readonly logger: { info(fields: object, message: string): void };
}

export interface WantedEvent extends NearTime {
  readonly roomId: string;
  /** When what we have on that side was sent: what is no nearer is not wanted. */
  readonly knownTs?: number | undefined;
}

/** Somebody waits. */
const LONGEST_MS = 12_000;

/**
 * Finds the event of a room that is the nearest to a time where we do not have it, by asking others in the room. What a server says of
 * the event is not relied on: it gives the event itself, which is verified and gets its place on the state before it.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid
 */
export class NearestEvent {
  constructor(private readonly deps: NearestEventDependencies) {}

  /** The id of an event that is nearer than what we have and has got its place now; undefined when nobody gives one. */
  async fetch(wanted: WantedEvent): Promise<string | undefined> {
    const { intake, servers, logger } = this.deps;
    const { roomId } = wanted;
    const deadline = Date.now() + LONGEST_MS;
    const room = await intake.listHistoryGaps({ roomId, maxDepth: undefined, limit: 1 });
    const rules = roomVersionRules(room.roomVersion);
    const toAsk = await servers.of(roomId);
    if (rules === undefined || !room.participating || toAsk.as === undefined) return undefined;
    for (const server of toAsk.servers) {
      const asked = { server, as: toAsk.as, roomId, deadline };
      if (isOver(asked)) break;
      try {
        const event = await this.#nearer(asked, rules, wanted);
        if (event !== undefined && (await placeBackfilled(this.deps, asked, rules, [event])) > 0) return event.eventId;
      } catch (error) {
        servers.leave(server, roomId);
        logger.info({ err: error, room_id: roomId, server }, 'a server has not told of an event by its time');
      }
    }
    return undefined;
  }

  /** What the server tells of, if it is what was asked for. */
  async #nearer(asked: Asked, rules: RoomVersionRules, wanted: WantedEvent): Promise<VerifiedPdu | undefined> {
    const { remote, pdus } = this.deps;
    const eventId = await remote.nearestTo(asked, wanted);
    if (eventId === undefined) return undefined;
    const [verdict] = await pdus.verify([await remote.event(asked, eventId)], asked.roomId, rules);
    if (verdict === undefined || !isVerified(verdict) || verdict.eventId !== eventId) return undefined;
    return isNearer(verdict.pdu.origin_server_ts, wanted) ? verdict : undefined;
  }
}

function isNearer(sentTs: number, { ts, backwards, knownTs }: WantedEvent): boolean {
  if (backwards) return sentTs <= ts && (knownTs === undefined || sentTs > knownTs);
  return sentTs >= ts && (knownTs === undefined || sentTs < knownTs);
}
