import type { LoggedEvent, RoomLog, ServersOfRoom } from '@ganglion/contracts/room';
import { authEventIds, domainOf, isValidUserId, type Pdu } from '@ganglion/protocol';

const MEMBER = 'm.room.member';
/** Whoever reads so far behind tells those who are there now. */
const MOST_LATER = 1_000;
const EVENTS_AT_ONCE = 200;

/** Each of some events, with the servers that are told of it. */
export type Recipients = ReadonlyMap<LoggedEvent, readonly string[]>;

/** By how many joined users an event changes what a server has. */
interface Step {
  readonly server: string;
  readonly by: 1 | -1;
}

/**
 * Who was in a room at each of some events: who has come since is told nothing of before, and who is gone since gets what was before
 * that. What is known is who is there now, so the log is walked backwards from there.
 *
 * @param events consecutive ones of its log
 */
export async function recipients(
  roomLog: Pick<RoomLog, 'getRoomEvents' | 'getEvents'>,
  room: ServersOfRoom,
  events: readonly LoggedEvent[],
): Promise<Recipients> {
  const everybody = new Map(events.map((event) => [event, room.serverNames]));
  const { joined = [], roomSeq = 0 } = room;
  // The members are not all known, or a room-server of the release before does not count them.
  if (roomSeq === 0 || joined.length !== room.serverNames.length) return everybody;
  const later = await laterEvents(roomLog, room.roomId, events.at(-1)!.roomSeq, roomSeq);
  if (later === undefined) return everybody;
  const all = [...events, ...later];
  const counts = new Map(room.serverNames.map((server, index) => [server, joined[index]!]));
  const steps = await stepsOf(roomLog, room.roomId, all);
  if (steps.size === 0) return everybody;
  const told = new Map<LoggedEvent, readonly string[]>();
  for (const event of all.toReversed()) {
    const names = new Set(present(counts));
    for (const { server, by } of steps.get(event) ?? []) counts.set(server, (counts.get(server) ?? 0) - by);
    for (const server of present(counts)) names.add(server);
    told.set(event, [...names]);
  }
  return told;
}

function present(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].flatMap(([server, count]) => (count > 0 ? [server] : []));
}

/** What has come between the events that were read and the moment of which it is known who was there; undefined if that is too much. */
async function laterEvents(roomLog: Pick<RoomLog, 'getRoomEvents'>, roomId: string, afterSeq: number, upTo: number) {
  if (upTo - afterSeq > MOST_LATER) return undefined;
  const later: LoggedEvent[] = [];
  for (let seq = afterSeq; seq < upTo; ) {
    const page = { roomId, afterSeq: seq, limit: EVENTS_AT_ONCE, backfilled: false };
    const events = (await roomLog.getRoomEvents(page)).events?.events ?? [];
    if (events.length === 0) return undefined;
    later.push(...events.filter(({ roomSeq }) => roomSeq <= upTo));
    seq = events.at(-1)!.roomSeq;
  }
  return later;
}

/** Where users come and go: what their event replaces is what they were before it. */
async function stepsOf(
  roomLog: Pick<RoomLog, 'getEvents'>,
  roomId: string,
  events: readonly LoggedEvent[],
): Promise<ReadonlyMap<LoggedEvent, readonly Step[]>> {
  const changes = events.flatMap((event) =>
    event.stateChanges
      .filter(({ type, stateKey }) => type === MEMBER && isValidUserId(stateKey))
      .map(({ stateKey: userId, eventId, membership }) => ({ event, userId, eventId, membership })),
  );
  const seen = new Set<string>();
  const first = changes.filter(({ userId }) => !seen.has(userId) && seen.add(userId));
  const before = await membershipsBefore(roomLog, roomId, first);
  const steps = new Map<LoggedEvent, Step[]>();
  for (const { event, userId, membership } of changes) {
    const was = before.get(userId);
    before.set(userId, membership ?? 'leave');
    if (was === undefined || (was === 'join') === (membership === 'join')) continue;
    const step: Step = { server: domainOf(userId), by: membership === 'join' ? 1 : -1 };
    steps.set(event, [...(steps.get(event) ?? []), step]);
  }
  return steps;
}

/** The membership that each event is authorised by; of one that is not known here nobody can tell. */
async function membershipsBefore(
  roomLog: Pick<RoomLog, 'getEvents'>,
  roomId: string,
  changes: readonly { readonly event: LoggedEvent; readonly userId: string; readonly eventId: string }[],
): Promise<Map<string, string>> {
  const own = changes.filter(({ event, eventId }) => event.eventId === eventId);
  const naming = own.map(({ event, userId }) => ({ userId, ids: authEventIds(JSON.parse(event.pduJson) as Pdu) }));
  const eventIds = [...new Set(naming.flatMap(({ ids }) => ids))];
  if (naming.length === 0) return new Map();
  const found = new Map<string, Pdu>();
  // What a room was joined with has no place in its log.
  const named = { roomId, eventNids: [], roomNids: [], withOutliers: true };
  for (let at = 0; at < eventIds.length; at += EVENTS_AT_ONCE) {
    const ids = eventIds.slice(at, at + EVENTS_AT_ONCE);
    const { events } = await roomLog.getEvents({ ...named, eventIds: ids });
    for (const { eventId, pduJson } of events) found.set(eventId, JSON.parse(pduJson) as Pdu);
  }
  return new Map(
    naming.flatMap(({ userId, ids }) => {
      if (ids.some((id) => !found.has(id))) return [];
      const of = ids.map((id) => found.get(id)!).find((pdu) => pdu.type === MEMBER && pdu.state_key === userId);
      return [[userId, String(of?.content.membership ?? 'leave')]];
    }),
  );
}
