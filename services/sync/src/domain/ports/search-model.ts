import type { TextRoom } from '../texts/event-texts.js';
import type { EventPlace } from '../timeline-event.js';

/** What can be searched in. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search */
export type SearchKey = 'content.body' | 'content.name' | 'content.topic';

/** The words of an event. */
export interface SearchRow {
  readonly roomNid: number;
  readonly position: number;
  readonly eventNid: number;
  readonly key: SearchKey;
  readonly words: string;
}

/** An event that may have words, with its room. */
export interface UnreadPlace extends TextRoom {
  readonly position: number;
  readonly eventNid: number;
  readonly redactsNid: number | undefined;
}

/** How far events were read for their words. */
export interface SearchProgress {
  /** What came since the index was begun, up to here … */
  readonly upTo: number;
  /** … and what came before it, down to here; 0 when all of that was read. */
  readonly downTo: number;
}

/** A step of reading: its words, what was redacted, and how far it brings the index. */
export interface SearchStep {
  readonly rows: readonly SearchRow[];
  readonly redacted: readonly { readonly roomNid: number; readonly eventNid: number }[];
  readonly from: SearchProgress;
  readonly to: SearchProgress;
}

/** A room whose backfilled events were not all read for their words. */
export interface BackfilledRoom extends TextRoom {
  /** Those below this position. */
  readonly below: number;
}

export interface SearchRequest {
  readonly roomNids: readonly number[];
  readonly term: string;
  readonly keys: readonly SearchKey[];
  readonly orderBy: 'rank' | 'recent';
  /** Live events up to this position alone. */
  readonly upTo: number;
  /** How many of the matches to pass over. */
  readonly offset: number;
  readonly limit: number;
}

export interface Match {
  readonly place: EventPlace;
  /** Higher is closer. */
  readonly rank: number;
}

/** The words of events. */
export interface SearchModel {
  progress(): Promise<SearchProgress>;
  /** Events above one position and up to another, the earliest first. */
  above(position: number, upTo: number, limit: number): Promise<UnreadPlace[]>;
  /** Events up to a position, the latest first; none that were backfilled. */
  below(position: number, limit: number): Promise<UnreadPlace[]>;
  /** Takes a step, unless somebody else has gone on from there. */
  take(step: SearchStep): Promise<void>;
  backfilledRooms(limit: number): Promise<BackfilledRoom[]>;
  backfilled(roomNid: number, below: number, limit: number): Promise<UnreadPlace[]>;
  /** All backfilled events of a room down to a position were read. */
  takeBackfilled(roomNid: number, downTo: number, rows: readonly SearchRow[]): Promise<void>;
  /** Of these rooms those that are not encrypted. */
  unencrypted(roomNids: readonly number[]): Promise<number[]>;
  search(request: SearchRequest): Promise<Match[]>;
}
