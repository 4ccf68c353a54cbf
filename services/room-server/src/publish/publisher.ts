import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, ROOM_EVENTS } from '@ganglion/contracts';
import type { LoggedEvent } from '@ganglion/contracts/room';
import { publishFitting } from '@ganglion/service';
import { type Logger, type TracePoint, traceparentOf, tracingEnabled, withSpans } from '@ganglion/telemetry';
import { SpanKind } from '@opentelemetry/api';
import type { CommitListener, NewEvent, RoomCommit } from '../domain/ports/rooms.js';
import { tracePointsOf } from '../domain/trace-points.js';
import { outboxRows } from '../storage/commit-statement.js';
import type { GroupCommitter } from '../storage/group-committer.js';
import { messagesOf } from './room-outbox.js';

/**
 * Tells the bus what was committed, at once and in the order of each room. What does not arrive stays in the outbox,
 * where the sweeper finds it.
 */
export class Publisher implements CommitListener {
  constructor(
    private readonly bus: Bus,
    private readonly committer: GroupCommitter,
    private readonly logger: Logger,
  ) {}

  committed(commit: RoomCommit): void {
    const published = tracingEnabled()
      ? withSpans('send room-events', SENDS, tracePointsOf(commit), (inside) => this.#publish(commit, inside), PRODUCER)
      : this.#publish(commit);
    published.catch((error: unknown) => this.logger.warn({ err: error }, 'committed events were not published yet'));
  }

  async #publish(commit: RoomCommit, inside?: ReadonlyMap<TracePoint, TracePoint>): Promise<void> {
    const { roomId, roomNid, progress, seen } = commit;
    // What was told out of band keeps its number when it gets its place.
    const isNew = (seq = 0) => seq > seen.roomSeq || seq < seen.backSeq;
    const events = commit.events.filter(({ roomSeq }) => isNew(roomSeq));
    if (events.length === 0) return;
    this.bus.broadcast(ANNOUNCEMENTS, { id: roomId, seq: progress.roomSeq, users: concernedUsers(events) });
    const live = events.filter(({ roomSeq }) => roomSeq! > 0);
    const backfilled = events.filter(({ roomSeq }) => roomSeq! < 0);
    await Promise.all([this.#publishRun(commit, live, inside), this.#publishRun(commit, backfilled, inside)]);
    for (const { first_seq: firstSeq } of outboxRows(commit)) this.committer.published({ roomNid, firstSeq });
  }

  /** Consecutive events, in as many messages as their size asks for. */
  async #publishRun(commit: RoomCommit, events: readonly NewEvent[], inside: Inside): Promise<void> {
    const { roomId, roomVersion, roomNid } = commit;
    const logged = events.map((added) => loggedEvent(added, inside?.get(added.tracePoint!)));
    const messages = messagesOf({ roomId, roomVersion, roomNid, events: logged });
    await publishFitting(this.bus, ROOM_EVENTS, messages, this.logger);
  }
}

/** @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
const SENDS = {
  'messaging.system': 'ganglion',
  'messaging.operation.type': 'send',
  'messaging.destination.name': ROOM_EVENTS.name,
};
const PRODUCER = { kind: SpanKind.PRODUCER };

const MAX_USERS = 50;

/** Who expects to read what was committed: those who wrote it, and those whose membership it changes. */
function concernedUsers(events: readonly NewEvent[]): string[] | undefined {
  const users = new Set<string>();
  for (const { event } of events) {
    const { sender, type, state_key } = event.pdu;
    users.add(sender);
    if (type === 'm.room.member' && state_key !== undefined) users.add(state_key);
  }
  return users.size > MAX_USERS ? undefined : [...users];
}

type Inside = ReadonlyMap<TracePoint, TracePoint> | undefined;

function loggedEvent(added: NewEvent, sent: TracePoint | undefined): LoggedEvent {
  return {
    roomSeq: added.roomSeq!,
    eventNid: added.nid,
    eventId: added.event.eventId,
    pduJson: added.json,
    stateChanges: [...added.stateChanges],
    hasMoreStateChanges: added.jump !== undefined,
    transaction: added.transaction,
    redactedEventId: added.redactsEventId,
    redactedEventNid: added.redactedNid,
    redactedBecause: redactedBecause(added),
    visibility: added.visibility,
    previousVisibility: added.previousVisibility,
    memberships: [...added.localMemberships],
    strippedStateJson: added.strippedState,
    relayFor: added.relayFor,
    partialState: added.partialState,
    stateOnly: (added.partialState === false && added.stateAfterNid === undefined) || undefined,
    traceparent: sent && traceparentOf(sent),
  };
}

function redactedBecause({ redactedBy }: NewEvent): LoggedEvent['redactedBecause'] {
  if (redactedBy === undefined) return undefined;
  const { nid: eventNid, eventId, json: pduJson } = redactedBy;
  return { eventNid, eventId, pduJson, redactedBecause: undefined };
}
