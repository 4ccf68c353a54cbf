import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { HistoryGap, ListHistoryGapsResponse } from '@ganglion/contracts/room';
import { domainOf, isValidUserId, roomVersionRules } from '@ganglion/protocol';
import { isVerified } from '../pdus/pdu-verifier.js';
import type { HistoryTurns } from '../ports/history.js';
import { type BackfillDependencies, placeBackfilled } from './backfilled-events.js';
import { Passing } from './passing.js';
import type { ServersToAsk } from './servers-to-ask.js';

export interface RemoteHistoryDependencies extends BackfillDependencies {
  readonly turns: HistoryTurns;
  readonly servers: ServersToAsk;
  readonly logger: { info(fields: object, message: string): void };
}

const EVENTS_AT_ONCE = 100;
const GAPS_AT_ONCE = 20;
const LONGEST_MS = 30_000;
const LOOK_EVERY_MS = 100;
/** An event that nobody gave is not asked for with every page that somebody reads. */
const TRY_AGAIN_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/**
 * Brings history of rooms that other servers have and we have not. What they give is verified event by event, and one that is not as
 * it should be leaves a gap of its own size.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
 */
export class RemoteHistory {
  readonly #missed = new Passing(TRY_AGAIN_MS, MOST_REMEMBERED);

  constructor(private readonly deps: RemoteHistoryDependencies) {}

  /** Of all who ask for the same room at once, on whichever replicas, one fetches. */
  async fetch(roomId: string, maxDepth: number): Promise<void> {
    const deadline = Date.now() + LONGEST_MS;
    const holder = randomUUID();
    const seen = await this.#missing(roomId, maxDepth);
    while (!(await this.deps.turns.take(roomId, holder))) {
      if (Date.now() > deadline) return;
      await pause(LOOK_EVERY_MS);
    }
    try {
      const gaps = await this.#gaps(roomId, maxDepth);
      // Somebody else has brought what this one came for.
      if (seen.join() === missingOf(gaps.gaps).join()) await this.#fetch(roomId, gaps, deadline);
    } finally {
      await this.deps.turns.end(roomId, holder);
    }
  }

  async #fetch(roomId: string, room: ListHistoryGapsResponse, deadline: number): Promise<void> {
    const rules = roomVersionRules(room.roomVersion);
    const wanted = missingOf(room.gaps).filter((id) => !this.#missed.has(id));
    if (rules === undefined || !room.participating || wanted.length === 0) return;
    const { servers, as } = await this.deps.servers.of(roomId, namesOf(room.gaps));
    if (as === undefined) return;
    for (const server of servers) {
      if (Date.now() > deadline) return;
      const asked = { server, as, roomId, deadline };
      try {
        const pdus = await this.deps.remote.backfill(asked, wanted.slice(0, GAPS_AT_ONCE), EVENTS_AT_ONCE);
        const given = pdus.slice(0, EVENTS_AT_ONCE);
        const verdicts = await this.deps.pdus.verify(given, roomId, rules, { manyReferences: true });
        const placed = await placeBackfilled(this.deps, asked, rules, verdicts.filter(isVerified));
        if ((await this.#left(roomId, wanted)).size < wanted.length) break;
        // Whoever gives other events than those that were asked for could go on with that for ever.
        if (placed > 0) this.deps.servers.leave(server, roomId);
      } catch (error) {
        this.deps.servers.leave(server, roomId);
        this.deps.logger.info({ err: error, room_id: roomId, server }, 'a server has not given history of a room');
      }
    }
    for (const id of await this.#left(roomId, wanted)) this.#missed.note(id);
  }

  /** Those of them that still have no place. */
  async #left(roomId: string, wanted: readonly string[]): Promise<ReadonlySet<string>> {
    const { eventIds, unplacedEventIds } = await this.deps.intake.listUnknownEvents({ roomId, eventIds: [...wanted] });
    return new Set([...eventIds, ...unplacedEventIds]);
  }

  #gaps(roomId: string, maxDepth: number): Promise<ListHistoryGapsResponse> {
    return this.deps.intake.listHistoryGaps({ roomId, maxDepth, limit: GAPS_AT_ONCE });
  }

  async #missing(roomId: string, maxDepth: number): Promise<string[]> {
    return missingOf((await this.#gaps(roomId, maxDepth)).gaps);
  }
}

function missingOf(gaps: readonly HistoryGap[]): string[] {
  return [...new Set(gaps.flatMap(({ missingEventIds }) => missingEventIds))];
}

/** Those that saw what comes after the gaps. */
function namesOf(gaps: readonly HistoryGap[]): string[] {
  return gaps.flatMap(({ sender }) => (isValidUserId(sender) ? [domainOf(sender)] : []));
}
