import { PduFate, type RoomIntake } from '@ganglion/contracts/room';
import { authEventIds, prevEventIds, type RoomVersionRules } from '@ganglion/protocol';
import { RoomStates } from '../incoming/room-states.js';
import type { PduVerifier, VerifiedPdu } from '../pdus/pdu-verifier.js';
import { type Asked, isOver, type RemoteEvents } from '../ports/incoming.js';

export interface BackfillDependencies {
  readonly intake: RoomIntake;
  readonly pdus: PduVerifier;
  readonly remote: RemoteEvents;
}

/** In one answer: events of which what they follow is not there, so that the state before them is asked for. */
const MOST_STATES = 5;

/**
 * Gives the events of an answer their places, the oldest on the state that the server says was before it.
 *
 * @returns how many have one that had none before: a server that gives only what we have has brought nothing
 */
export async function placeBackfilled(
  deps: BackfillDependencies,
  asked: Asked,
  rules: RoomVersionRules,
  pdus: readonly VerifiedPdu[],
): Promise<number> {
  const states = new RoomStates(deps, asked, rules);
  let left = await withoutPlace(deps.intake, asked.roomId, pdus);
  let placed = 0;
  for (let round = 0; left.length > 0; round++) {
    const { waiting, missing, settled } = await receive(deps.intake, asked.roomId, left);
    placed += settled;
    const oldest = firstOf(waiting);
    if (oldest === undefined || round === MOST_STATES || isOver(asked)) break;
    if (authEventIds(oldest.pdu).some((id) => missing.has(id))) await states.fetchAuth(oldest, [...missing]);
    // Where that fails, what follows is the oldest next.
    if (await states.place(oldest, true).catch(() => false)) placed += 1;
    left = waiting.filter((pdu) => pdu !== oldest);
  }
  return placed;
}

async function withoutPlace(intake: RoomIntake, roomId: string, pdus: readonly VerifiedPdu[]): Promise<VerifiedPdu[]> {
  const byId = new Map(pdus.map((pdu) => [pdu.eventId, pdu]));
  const { eventIds, unplacedEventIds } = await intake.listUnknownEvents({ roomId, eventIds: [...byId.keys()] });
  const wanted = new Set([...eventIds, ...unplacedEventIds]);
  return [...byId.values()].filter(({ eventId }) => wanted.has(eventId));
}

async function receive(intake: RoomIntake, roomId: string, pdus: readonly VerifiedPdu[]) {
  const pdusJson = pdus.map(({ json }) => json);
  const { outcomes } = await intake.receivePdus({ roomId, pdusJson, backfill: true, serverName: undefined });
  const waiting = pdus.filter((_, index) => outcomes[index]?.fate === PduFate.WAITING);
  const settled = outcomes.filter(({ fate }) => fate !== PduFate.WAITING && fate !== PduFate.INVALID).length;
  return { waiting, settled, missing: new Set(outcomes.flatMap(({ missingEventIds }) => missingEventIds)) };
}

/** The oldest of those that follow none of the others. */
function firstOf(waiting: readonly VerifiedPdu[]): VerifiedPdu | undefined {
  const ids = new Set(waiting.map(({ eventId }) => eventId));
  return waiting
    .filter(({ pdu }) => !prevEventIds(pdu).some((id) => ids.has(id)))
    .toSorted((one, other) => one.pdu.depth - other.pdu.depth)[0];
}
