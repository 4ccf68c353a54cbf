import { sql } from '@ganglion/database';

/**
 * Marks are words that no text has, as they begin with a character that parts words: by them the index of words finds what is of
 * a room, by a sender, or of a time. Times are of several lengths, as to look for one of many marks costs more than to look for words.
 */
const MARK = '\u0001';

/** Of times of one length: how they are marked, and how many bits of a position they leave out. */
const TIMES = [
  { letter: 't', bits: 13 },
  { letter: 'u', bits: 16 },
  { letter: 'v', bits: 19 },
] as const;

/** The marks of a row, of columns of `w`; its times as above. */
export const MARKS = sql`array_to_tsvector(ARRAY[chr(1) || 'r' || w.room_nid, chr(1) || 's' || w.sender,
    chr(1) || 't' || (w.position >> 13), chr(1) || 'u' || (w.position >> 16), chr(1) || 'v' || (w.position >> 19)])`;

export function roomsQuery(roomNids: readonly number[]): string {
  return anyOf(roomNids.map((nid) => `r${nid}`));
}

export function sendersQuery(senders: readonly string[]): string {
  return anyOf(senders.map((sender) => `s${sender}`));
}

/** A stretch of time, and the position below which everything is older than it. */
export interface Stretch {
  readonly query: string;
  readonly oldest: number;
}

/** Stretches of time that end at a position, each several times as long as the one before and, but for the first, overlapping it. */
export function stretchesBefore(position: number): Stretch[] {
  return TIMES.map(({ letter, bits }, index) => {
    const latest = Math.floor(position / 2 ** bits);
    const first = index === 0 ? latest : latest - 1;
    const times = first === latest ? [latest] : [latest, first];
    return { query: anyOf(times.map((time) => `${letter}${time}`)), oldest: first * 2 ** bits };
  });
}

function anyOf(marks: readonly string[]): string {
  return `(${marks.map((mark) => `'${(MARK + mark).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`).join(' | ')})`;
}
