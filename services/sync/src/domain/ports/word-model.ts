import type { TextRoom } from '../texts/event-texts.js';
import type { SearchKey } from './search-model.js';

/** The words of an event. */
export interface WordsRow {
  readonly roomNid: number;
  readonly position: number;
  readonly eventNid: number;
  readonly key: SearchKey;
  readonly sender: string;
  readonly words: string;
  /** The edit whose words these are. */
  readonly editNid: number | undefined;
}

/** An event that may have words, with its room. */
export interface UnreadPlace extends TextRoom {
  readonly position: number;
  readonly eventNid: number;
  readonly redactsNid: number | undefined;
  /** When something that relates to an event of the room was appended last. */
  readonly relationsPosition: number;
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
  readonly rows: readonly WordsRow[];
  readonly redacted: readonly { readonly roomNid: number; readonly eventNid: number }[];
  readonly from: SearchProgress;
  readonly to: SearchProgress;
}

/** A room whose backfilled events were not all read for their words. */
export interface BackfilledRoom extends TextRoom {
  /** Those below this position … */
  readonly below: number;
  /** … down to this one. */
  readonly backSeq: number;
}

/** The words of events, as they are written. */
export interface WordModel {
  progress(): Promise<SearchProgress>;
  /** Events above one position and up to another, the earliest first. */
  above(position: number, upTo: number, limit: number): Promise<UnreadPlace[]>;
  /** Events up to a position, the latest first; none that were backfilled. */
  below(position: number, limit: number): Promise<UnreadPlace[]>;
  /** Events of a room by their numbers. */
  placesOf(roomNid: number, eventNids: readonly number[]): Promise<UnreadPlace[]>;
  /** Those that have the words of edits that are redacted now. */
  edited(redacted: SearchStep['redacted']): Promise<UnreadPlace[]>;
  /** Takes a step, unless somebody else has gone on from there. */
  take(step: SearchStep): Promise<void>;
  backfilledRooms(limit: number): Promise<BackfilledRoom[]>;
  backfilled(roomNid: number, below: number, limit: number): Promise<UnreadPlace[]>;
  /** All backfilled events of a room down to a position were read. */
  takeBackfilled(roomNid: number, downTo: number, rows: readonly WordsRow[]): Promise<void>;
}
