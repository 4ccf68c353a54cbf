import type { EventPlace } from '../timeline-event.js';

/** What can be searched in. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search */
export type SearchKey = 'content.body' | 'content.name' | 'content.topic';

/** Where a match stands among all. */
export interface MatchPlace {
  readonly roomNid: number;
  readonly position: number;
  /** Higher is closer. */
  readonly rank: number;
}

export interface Match extends MatchPlace {
  /** The edit that has made the event match. */
  readonly editNid: number | undefined;
}

/** A room with about how many events it has. */
export interface SizedRoom {
  readonly nid: number;
  readonly events: number;
}

/** Where a match stands in the order of time. */
export type TimePlace = Pick<MatchPlace, 'position' | 'roomNid'>;

export interface SearchRequest {
  readonly rooms: readonly SizedRoom[];
  readonly term: string;
  readonly keys: readonly SearchKey[];
  /** Events by these alone; by anybody when undefined. */
  readonly senders: readonly string[] | undefined;
  readonly orderBy: 'rank' | 'recent';
  /** Live events up to this position alone. */
  readonly upTo: number;
  /** Matches below this place. */
  readonly top: TimePlace;
  /** Of these, those that come after this one in the order that is asked for. */
  readonly after: MatchPlace | undefined;
}

/** Some of what matches: the latest below a place, in the order that was asked for. */
export interface Matches {
  readonly matches: readonly Match[];
  /** Where the others are, which come after all of these; undefined where there are none. */
  readonly below: TimePlace | undefined;
}

/** The words of events, as they are looked for. */
export interface SearchModel {
  /** Of these rooms those that are not encrypted. */
  unencrypted(roomNids: readonly number[]): Promise<SizedRoom[]>;
  search(request: SearchRequest): Promise<Matches>;
  /** Where matches and the edits that made them match stand, with what our users were at them. */
  places(matches: readonly Match[]): Promise<EventPlace[]>;
}
