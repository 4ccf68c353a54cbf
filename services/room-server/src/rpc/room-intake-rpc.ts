import { MatrixError } from '@ganglion/contracts';
import {
  type CompleteStateRequest,
  type DescribeRoomsRequest,
  type GetStandingRequest,
  type ListHistoryGapsRequest,
  type ListJoinedAmongRequest,
  type ListRoomServersRequest,
  type ListServersOfRoomsRequest,
  type ListServersOfUserRequest,
  type ListSharingUsersRequest,
  type ListUnknownEventsRequest,
  type MakeInviteRequest,
  PduFate,
  type PduOutcome,
  type PlaceWithStateRequest,
  type PutOutOfBandMembershipRequest,
  type ReceivePdusRequest,
  type RoomIntake,
  type ServersOfRoom,
  type SharingUser,
  type StoreOutliersRequest,
  type UserOfRoom,
} from '@ganglion/contracts/room';
import { domainOf, isValidUserId, roomVersionRules } from '@ganglion/protocol';
import { checkNotBlocked } from '../domain/blocked.js';
import { makeInvite } from '../domain/federation/make-invite.js';
import { shownJson } from '../domain/federation/server-visibility.js';
import { standingOf } from '../domain/federation/standing.js';
import { isPlaced } from '../domain/graph/event-graph.js';
import { completeState } from '../domain/intake/complete-state.js';
import { describeRoom } from '../domain/intake/describe-room.js';
import { examine, type Fate, type Incoming, isIncoming, type Outcome } from '../domain/intake/examine.js';
import { checkStrippedState, putOutOfBandMembership } from '../domain/intake/out-of-band.js';
import { placeWithState } from '../domain/intake/place-with-state.js';
import { receivePdus } from '../domain/intake/receive-pdus.js';
import { receiveTexts } from '../domain/intake/receive-texts.js';
import { type OutlierDependencies, storeOutliers } from '../domain/intake/store-outliers.js';
import type { FederationRows } from '../domain/ports/federation-rows.js';
import type { IntakeStore, RoomStore } from '../domain/ports/rooms.js';
import type { RoomActors } from '../domain/room-actors.js';
import type { RoomHead } from '../domain/room-head.js';
import { whenWhole } from './when-whole.js';

const FATES: Readonly<Record<Fate, PduFate>> = {
  accepted: PduFate.ACCEPTED,
  'soft-failed': PduFate.SOFT_FAILED,
  rejected: PduFate.REJECTED,
  outlier: PduFate.OUTLIER,
  waiting: PduFate.WAITING,
  invalid: PduFate.INVALID,
};

const MOST_GAPS = 100;
/** So many that have no place after all are tried with each call. */
const MOST_STUCK = 500;

/** Who shares rooms with whom. */
export interface Neighbours {
  sharingUsers(users: readonly SharingUser[]): Promise<SharingUser[]>;
  serversOf(userId: string, but?: string): Promise<string[]>;
  serversOfRooms(roomIds: readonly string[]): Promise<ServersOfRoom[]>;
  joinedAmong(users: readonly UserOfRoom[]): Promise<UserOfRoom[]>;
}

/** What other servers send of rooms. */
export class RoomIntakeRpc implements RoomIntake {
  constructor(
    private readonly actors: RoomActors,
    private readonly store: RoomStore,
    private readonly intake: IntakeStore,
    private readonly outliers: OutlierDependencies,
    private readonly federation: FederationRows,
    private readonly serverNames: readonly string[],
    private readonly neighbours: Neighbours,
  ) {}

  async receivePdus({ roomId, pdusJson, backfill, serverName }: ReceivePdusRequest) {
    const received = receiveTexts({ texts: pdusJson, backfill, serverName, serverNames: this.serverNames });
    const { roomNid, examined, outcomes } = await this.actors.run(roomId, received);
    // What it waits for may have come as an outlier meanwhile.
    const waits = [...outcomes.values()].some(({ fate }) => fate === 'waiting');
    // What is refused as a whole gives nothing its place.
    if (waits || (backfill && outcomes.size > 0)) await this.#release(roomId, roomNid, outcomes);
    return { outcomes: told(examined, outcomes) };
  }

  async storeOutliers({ roomId, pdusJson, roomVersion }: StoreOutliersRequest) {
    if (roomVersion !== undefined) await this.intake.openRoom(roomId, roomVersion, true);
    const head = await this.#room(roomId);
    checkNotBlocked(head);
    const examined = pdusJson.map((text) => examine(text, roomId, head.rules));
    const outcomes = await storeOutliers(this.outliers, head, examined.filter(isIncoming));
    await this.#release(roomId, head.nid, new Map());
    return { outcomes: told(examined, outcomes) };
  }

  async placeWithState({ roomId, pduJson, stateEventIds, backfill, partial }: PlaceWithStateRequest) {
    const head = await this.#room(roomId);
    const examined = examine(pduJson, roomId, head.rules, backfill);
    if (!isIncoming(examined)) return { outcomes: told([examined], new Map()) };
    const { serverNames } = this;
    const partialServers = partial && [...new Set(partial.serverNames)].filter((name) => !serverNames.includes(name));
    const stated = { incoming: examined, stateEventIds, backfill, partialServers, serverNames };
    const outcome = await this.actors.run(roomId, placeWithState(stated));
    await this.#release(roomId, head.nid, new Map());
    return { outcomes: told([examined], new Map([[outcome.eventId, outcome]])) };
  }

  async completeState({ roomId, eventId, stateEventIds }: CompleteStateRequest) {
    const head = await this.#room(roomId);
    const outcome = await this.actors.run(roomId, completeState({ eventId, stateEventIds }));
    await this.#release(roomId, head.nid, new Map());
    return { outcomes: outcome === undefined ? [] : [toldOutcome(outcome)] };
  }

  async putOutOfBandMembership({ roomId, roomVersion, pduJson, strippedStateJson }: PutOutOfBandMembershipRequest) {
    const strippedState = checkStrippedState(strippedStateJson);
    await this.intake.openRoom(roomId, roomVersion);
    const { stateNid, rules } = await this.#room(roomId);
    // Of a room without state, whoever was the first to name it has said which version it has.
    const named = stateNid === undefined ? roomVersionRules(roomVersion) : undefined;
    const examined = examine(pduJson, roomId, named ?? rules);
    if (!isIncoming(examined)) return { outcomes: told([examined], new Map()) };
    if (!this.#isOurs(examined))
      throw new MatrixError(400, 'M_BAD_JSON', 'It is no membership of a user of this server');
    const outcome = await this.actors.run(roomId, putOutOfBandMembership({ incoming: examined, strippedState }));
    return { outcomes: told([examined], new Map([[outcome.eventId, outcome]])) };
  }

  async makeInvite({ roomId, sender, target, contentJson }: MakeInviteRequest) {
    const invite = { sender, target, content: JSON.parse(contentJson || '{}'), originServerTs: Date.now() };
    const { event, json, shownNids } = await whenWhole(() => this.actors.run(roomId, makeInvite(this.store, invite)));
    const head = await this.#room(roomId);
    const shown = await this.federation.events(head.nid, shownNids);
    const inviteRoomStateJson = shown.map((each) => shownJson(each, head.rules));
    return { eventId: event.eventId, pduJson: json, roomVersion: head.rules.id, inviteRoomStateJson };
  }

  async getStanding({ roomId, userId }: GetStandingRequest) {
    return standingOf(this.store, this.intake, { roomId, userId, serverNames: this.serverNames });
  }

  #isOurs({ event: { pdu } }: Incoming): boolean {
    const { type, state_key: userId } = pdu;
    return type === 'm.room.member' && isValidUserId(userId) && this.serverNames.includes(domainOf(userId));
  }

  async describeRooms({ roomIds, serverName }: DescribeRoomsRequest) {
    const rooms = await this.intake.describableRooms(roomIds, serverName);
    const described = rooms.map((room) => describeRoom(room, serverName, () => this.intake.listServers(room.roomId)));
    return { rooms: await Promise.all(described) };
  }

  async listUnknownEvents({ roomId, eventIds }: ListUnknownEventsRequest) {
    const head = await this.#room(roomId);
    const known = await this.outliers.graph.find(head.nid, eventIds);
    const isJudged = (id: string) => (known.get(id)?.status ?? 'waiting') !== 'waiting';
    return {
      eventIds: eventIds.filter((id) => !isJudged(id)),
      unplacedEventIds: eventIds.filter((id) => isJudged(id) && !isPlaced(known.get(id))),
    };
  }

  async listHistoryGaps({ roomId, maxDepth, limit }: ListHistoryGapsRequest) {
    const { nid, rules, participating, backSeq, partialState, blocked } = await this.#room(roomId);
    const most = Math.max(1, Math.min(limit, MOST_GAPS));
    // Where the state is not whole, nothing that is older gets its place by it.
    const gaps =
      partialState || blocked ? [] : await this.intake.historyGaps(nid, maxDepth ?? Number.MAX_SAFE_INTEGER, most);
    return { gaps: [...gaps], roomVersion: rules.id, participating, backSeq };
  }

  async listSharingUsers({ users }: ListSharingUsersRequest) {
    return { users: await this.neighbours.sharingUsers(users) };
  }

  async listServersOfUser({ userId, besideRoomId }: ListServersOfUserRequest) {
    return { serverNames: await this.neighbours.serversOf(userId, besideRoomId) };
  }

  async listJoinedAmong({ users }: ListJoinedAmongRequest) {
    return { joined: await this.neighbours.joinedAmong(users) };
  }

  async listServersOfRooms({ roomIds }: ListServersOfRoomsRequest) {
    return { rooms: await this.neighbours.serversOfRooms(roomIds) };
  }

  async listRoomServers({ roomId }: ListRoomServersRequest) {
    return { serverNames: [...(await this.intake.listServers(roomId))] };
  }

  /** Gives those their places that waited for what has come: also when whoever brought it died before they could. */
  async #release(roomId: string, roomNid: number, outcomes: ReadonlyMap<string, Outcome>): Promise<void> {
    const { serverNames } = this;
    const stuck = new Set(outcomes.keys());
    // Each round gives events their places, or adds to those that are not tried again.
    for (const most = stuck.size + MOST_STUCK; stuck.size <= most; ) {
      const incoming = await this.intake.released(roomId, roomNid, [...stuck]);
      if (incoming.length === 0) return;
      const tried = await this.actors.run(roomId, receivePdus({ incoming, backfill: false, serverNames }));
      for (const { eventId } of incoming) if (!hasPlace(tried.get(eventId))) stuck.add(eventId);
    }
  }

  async #room(roomId: string): Promise<RoomHead> {
    const head = await this.store.loadHead(roomId);
    if (head === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
    return head;
  }
}

function hasPlace(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && !['waiting', 'outlier', 'invalid'].includes(outcome.fate);
}

function told(examined: readonly (Incoming | Outcome)[], outcomes: ReadonlyMap<string, Outcome>): PduOutcome[] {
  return examined.map((each) => toldOutcome(isIncoming(each) ? outcomes.get(each.eventId)! : each));
}

function toldOutcome({ eventId, fate, reason, missing }: Outcome): PduOutcome {
  return { eventId, fate: FATES[fate], reason, missingEventIds: [...missing] };
}
