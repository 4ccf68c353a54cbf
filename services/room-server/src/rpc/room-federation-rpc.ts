import { MatrixError } from '@ganglion/contracts';
import type {
  AcceptMembershipRequest,
  BackfillRequest,
  CheckServerInRoomsRequest,
  FederationEvents,
  FindEventAtTimestampRequest,
  GetAuthChainRequest,
  GetEventsForServerRequest,
  GetMissingEventsRequest,
  GetStateBeforeRequest,
  MakeMembershipRequest,
  RoomFederation,
  SignInviteRequest,
} from '@ganglion/contracts/room';
import { compileServerAcl, roomVersionRules } from '@ganglion/protocol';
import { blockedError } from '../domain/blocked.js';
import type { EventBuilder } from '../domain/event-builder.js';
import { acceptMembership, checkOffered, cosigned, withSignature } from '../domain/federation/accept-membership.js';
import { checkAcl, roomFor, roomWith } from '../domain/federation/asking-server.js';
import { checkInvite, inviteRoomState } from '../domain/federation/check-invite.js';
import type { ErasedUsers } from '../domain/federation/erased-users.js';
import {
  checkIsUserOf,
  checkVersion,
  makeMembership,
  type OfferedMembership,
} from '../domain/federation/make-membership.js';
import { ServerVisibility } from '../domain/federation/server-visibility.js';
import type { StatesForServers } from '../domain/federation/states-for-servers.js';
import { entriesForStrangers } from '../domain/federation/stripped-entries.js';
import { walkHistory } from '../domain/federation/walk-history.js';
import { type EventGraph, type GraphNode, isPlaced } from '../domain/graph/event-graph.js';
import { examine, type Incoming, isIncoming } from '../domain/intake/examine.js';
import { putOutOfBandMembership } from '../domain/intake/out-of-band.js';
import { checkIsWhole } from '../domain/partial-state.js';
import type { FederationRows } from '../domain/ports/federation-rows.js';
import type { IntakeStore, RoomStore } from '../domain/ports/rooms.js';
import type { RoomActors } from '../domain/room-actors.js';
import type { RoomHead } from '../domain/room-head.js';
import type { States } from '../domain/state/states.js';

export interface FederationDependencies {
  readonly actors: RoomActors;
  readonly store: RoomStore;
  readonly intake: IntakeStore;
  readonly rows: FederationRows;
  readonly graph: EventGraph;
  readonly states: States;
  readonly builder: EventBuilder;
  readonly paged: StatesForServers;
  readonly erased: ErasedUsers;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
}

const MEMBERSHIPS: readonly string[] = ['join', 'leave', 'knock'];
/** Nobody is given more with one answer, whatever they ask for. */
const MOST_EVENTS = 100;
const MOST_MISSING = 20;
const MOST_IN_PAGE = 10_000;

/** What another server asks of our rooms. */
export class RoomFederationRpc implements RoomFederation {
  constructor(private readonly deps: FederationDependencies) {}

  async makeMembership(request: MakeMembershipRequest) {
    const { serverName, roomId, userId, supportedVersions } = request;
    const { actors, store, serverNames } = this.deps;
    const membership = offeredMembership(request.membership);
    checkIsUserOf(userId, serverName);
    const head = await roomFor(store, roomId, serverName);
    const { rules } = head;
    checkIsWhole(head);
    if (membership !== 'leave') checkVersion(rules, supportedVersions);
    const offer = { userId, membership, originServerTs: Date.now(), serverNames };
    const event = await actors.run(roomId, makeMembership(offer));
    return { eventJson: JSON.stringify(event), roomVersion: rules.id };
  }

  async acceptMembership(request: AcceptMembershipRequest) {
    const { serverName, roomId, eventId, pduJson } = request;
    const { actors, store, intake, builder, serverNames } = this.deps;
    const membership = offeredMembership(request.membership);
    const head = await roomFor(store, roomId, serverName);
    checkIsWhole(head);
    const servers = await intake.listServers(roomId);
    const incoming = examined(pduJson, roomId, head);
    const offered = { incoming, serverName, eventId, membership, serverNames };
    checkOffered(offered);
    const signed = await actors.run(roomId, cosigned(builder, offered));
    const { fate, reason } = await actors.run(roomId, acceptMembership({ ...offered, incoming: signed }));
    if (fate !== 'accepted') throw new MatrixError(403, 'M_FORBIDDEN', reason || 'The event was refused before');
    const strippedStateJson = membership === 'knock' ? await this.#stateForStrangers(roomId, [], serverName) : [];
    return {
      eventId,
      pduJson: signed.json,
      roomVersion: head.rules.id,
      strippedStateJson,
      serversInRoom: [...servers],
    };
  }

  async signInvite({ serverName, roomId, eventId, roomVersion, pduJson, inviteRoomStateJson }: SignInviteRequest) {
    const { actors, store, intake, builder, serverNames } = this.deps;
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined) {
      const message = `Room version ${roomVersion.slice(0, 255)} is not supported`;
      throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', message, { room_version: roomVersion });
    }
    if (await intake.isBlocked(roomId)) throw blockedError();
    const incoming = examine(pduJson, roomId, rules);
    if (!isIncoming(incoming)) throw new MatrixError(400, 'M_INVALID_PARAM', incoming.reason);
    const signer = checkInvite({ serverName, roomId, eventId, incoming, serverNames });
    const strippedState = inviteRoomState(inviteRoomStateJson || '[]', roomId, rules);
    await intake.openRoom(roomId, roomVersion);
    const head = (await store.loadHead(roomId))!;
    // Without state, the version that we have is what somebody said who may have meant to keep this invite away.
    if (head.stateNid !== undefined && head.rules.id !== roomVersion) {
      throw new MatrixError(400, 'M_INVALID_PARAM', 'The room has another version');
    }
    const takesPart = head.participating && head.stateNid !== undefined;
    if (takesPart) checkAcl(head, serverName);
    const signed = withSignature(builder, incoming, rules, signer);
    // Where we take part, the invite comes to the room as any event does.
    if (!takesPart) await actors.run(roomId, putOutOfBandMembership({ incoming: signed, strippedState }));
    return { pduJson: signed.json };
  }

  async getStateBefore(request: GetStateBeforeRequest) {
    const { serverName, roomId, eventId, afterKey, idsOnly, omitMembers } = request;
    const { head, event } = await this.#placed(serverName, roomId, eventId);
    const query = { after: afterKey, limit: pageSize(request.limit) };
    const { nids, next } = await this.deps.paged.stateBefore(head.nid, event, omitMembers, query);
    return { events: await this.#told(head, serverName, nids, idsOnly), nextKey: next };
  }

  async getAuthChain(request: GetAuthChainRequest) {
    const { serverName, roomId, eventIds, stateBeforeEventId, afterNid, idsOnly } = request;
    const { paged, graph, store, rows } = this.deps;
    const query = { after: afterNid, limit: pageSize(request.limit) };
    if (stateBeforeEventId !== undefined) {
      const { head, event } = await this.#placed(serverName, roomId, stateBeforeEventId);
      const { nids, next } = await paged.authChainOfState(head.nid, event, query);
      return { events: await this.#told(head, serverName, nids, idsOnly), nextNid: next };
    }
    const head = await roomWith(store, rows, roomId, serverName);
    const nodes = [...(await graph.find(head.nid, eventIds)).values()].filter(isJudged);
    if (nodes.length === 0) throw notFound();
    const { nids, next } = await paged.authChain(
      head.nid,
      nodes.map(({ nid }) => nid),
      query,
    );
    return { events: await this.#told(head, serverName, nids, idsOnly), nextNid: next };
  }

  async getEventsForServer({ serverName, roomId, eventIds }: GetEventsForServerRequest): Promise<FederationEvents> {
    const { rows, store, graph } = this.deps;
    const roomIds = roomId === undefined ? await rows.roomsOf(eventIds) : [roomId];
    if (roomIds.length === 0) throw notFound();
    const events = [];
    let refusal: unknown;
    for (const id of roomIds) {
      try {
        const head = await roomWith(store, rows, id, serverName);
        const nodes = [...(await graph.find(head.nid, eventIds)).values()];
        const nids = nodes.filter(isJudged).map(({ nid }) => nid);
        events.push(...(await this.#visible(head, serverName).serve(nids)));
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        refusal = error;
      }
    }
    if (events.length === 0) throw refusal ?? notFound();
    return { events };
  }

  async backfill({ serverName, roomId, fromEventIds, limit }: BackfillRequest): Promise<FederationEvents> {
    const { store, rows, graph } = this.deps;
    const head = await roomWith(store, rows, roomId, serverName);
    const from = [...(await graph.find(head.nid, fromEventIds)).values()].filter(isPlaced);
    const walk = {
      from,
      until: new Set<string>(),
      minDepth: Number.NEGATIVE_INFINITY,
      limit: between(limit, MOST_EVENTS),
    };
    const found = await walkHistory(rows, head.nid, walk);
    return { events: await this.#visible(head, serverName).serve(found.map(({ nid }) => nid)) };
  }

  async getMissingEvents(request: GetMissingEventsRequest): Promise<FederationEvents> {
    const { serverName, roomId, earliestEventIds, latestEventIds, limit, minDepth } = request;
    const { store, rows, graph } = this.deps;
    const head = await roomWith(store, rows, roomId, serverName);
    const latest = [...(await graph.find(head.nid, latestEventIds)).values()].filter(isPlaced);
    const from = [...(await graph.nodes(head.nid, new Set(latest.flatMap(({ prevNids }) => prevNids)))).values()];
    const until = new Set([...earliestEventIds, ...latestEventIds]);
    const walk = { from, until, minDepth, limit: between(limit, MOST_MISSING) };
    const found = await walkHistory(rows, head.nid, walk);
    return { events: await this.#visible(head, serverName).serve(found.map(({ nid }) => nid).reverse()) };
  }

  async findEventAtTimestamp({ serverName, roomId, ts, backwards }: FindEventAtTimestampRequest) {
    const { store, rows } = this.deps;
    const head = await roomWith(store, rows, roomId, serverName);
    const found = await rows.nearest(head.nid, ts, backwards);
    if (found === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no event on that side of the time');
    return { eventId: found.eventId, originServerTs: found.ts };
  }

  async checkServerInRooms({ serverName, roomIds }: CheckServerInRoomsRequest) {
    const rooms = await this.deps.rows.roomsWith(serverName, roomIds);
    const allows = (acl: string | undefined) =>
      acl === undefined || compileServerAcl(JSON.parse(acl).content).allows(serverName);
    return { roomIds: rooms.flatMap(({ roomId, acl }) => (allows(acl) ? [roomId] : [])) };
  }

  /** A room and an event that has its place there. */
  async #placed(serverName: string, roomId: string, eventId: string): Promise<{ head: RoomHead; event: GraphNode }> {
    const { store, rows, graph } = this.deps;
    const head = await roomWith(store, rows, roomId, serverName);
    const event = (await graph.find(head.nid, [eventId])).get(eventId);
    if (!isPlaced(event) || event.status === 'rejected') throw notFound();
    checkIsWhole(head);
    return { head, event };
  }

  async #told(head: RoomHead, serverName: string, nids: readonly number[], idsOnly: boolean) {
    if (!idsOnly) return this.#visible(head, serverName).serve(nids);
    const nodes = await this.deps.store.summaries(head.nid, nids);
    return nids.flatMap((nid) => {
      const node = nodes.get(nid);
      return node === undefined ? [] : [{ eventId: node.eventId, pduJson: '' }];
    });
  }

  #visible(head: RoomHead, serverName: string): ServerVisibility {
    // Who may see it is decided by memberships there.
    if (head.shownContent('m.room.history_visibility', '')?.history_visibility !== 'shared') checkIsWhole(head);
    return new ServerVisibility(this.deps, head.nid, serverName, head.rules);
  }

  async #stateForStrangers(roomId: string, people: readonly string[], serverName: string): Promise<string[]> {
    const head = (await this.deps.store.loadHead(roomId))!;
    const served = await this.#visible(head, serverName).serve(
      await entriesForStrangers(this.deps.store, head, people),
    );
    return served.map(({ pduJson }) => pduJson);
  }
}

/** What was not judged, or was refused, is not there for others. */
function isJudged({ status }: GraphNode): boolean {
  return status !== 'waiting' && status !== 'rejected';
}

function examined(pduJson: string, roomId: string, { rules }: RoomHead): Incoming {
  const found = examine(pduJson, roomId, rules);
  if (!isIncoming(found))
    throw new MatrixError(400, 'M_INVALID_PARAM', `The event is none of the room: ${found.reason}`);
  return found;
}

function offeredMembership(membership: string): OfferedMembership {
  if (!MEMBERSHIPS.includes(membership)) throw new Error(`no server asks for the membership ${membership}`);
  return membership as OfferedMembership;
}

function pageSize(limit: number): number {
  return between(limit || MOST_IN_PAGE, MOST_IN_PAGE);
}

function between(limit: number, most: number): number {
  return Math.max(1, Math.min(limit, most));
}

function notFound(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'There is no such event');
}
