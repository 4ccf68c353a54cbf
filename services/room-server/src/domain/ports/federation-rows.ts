import type { ServableEvent } from '../federation/servable-event.js';
import type { GraphNode } from '../graph/event-graph.js';

/** What is read of rooms for other servers. */
export interface FederationRows {
  /** Whether a server has joined users in a room. */
  isInRoom(roomNid: number, serverName: string): Promise<boolean>;
  /** Of some rooms, those that we take part in and in which a server has joined users, with their server ACL as JSON text. */
  roomsWith(
    serverName: string,
    roomIds: readonly string[],
  ): Promise<readonly { roomId: string; acl: string | undefined }[]>;
  /** The rooms that have these events and that we take part in. */
  roomsOf(eventIds: readonly string[]): Promise<readonly string[]>;
  /** Events by their numbers, in no order; what was rejected or waits is left out. */
  events(roomNid: number, nids: readonly number[]): Promise<readonly ServableEvent[]>;
  /** Events by their numbers, with as many of those around them in the room's order as were asked for. */
  around(roomNid: number, nids: readonly number[], reach: number): Promise<readonly GraphNode[]>;
  /** The numbers of all that authorises events, directly or not; they themselves are left out unless they do so too. */
  authChain(roomNid: number, nids: readonly number[]): Promise<readonly number[]>;
  /** The numbers of all keys but those of members. */
  keysButMembers(roomNid: number): Promise<readonly number[]>;
  /** Joined members who came first, at most so many: the numbers of their keys. */
  firstMembers(roomNid: number, limit: number): Promise<readonly number[]>;
  /** The event of the room's order that is nearest to a time (ms since the epoch) in one direction. */
  nearest(roomNid: number, ts: number, backwards: boolean): Promise<{ eventId: string; ts: number } | undefined>;
}
