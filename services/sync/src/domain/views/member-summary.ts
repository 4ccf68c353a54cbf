import type { StateVersion } from '../timeline-event.js';

/** Who is in a room, as `summary` in /sync counts them. */
export interface MemberSummary {
  readonly joined: number;
  readonly invited: number;
  /** Joined and invited users who came first, one more than are shown, as nobody is their own hero. */
  readonly heroes: readonly string[];
  /** Users who have left or were banned, for rooms that nobody else is in. */
  readonly gone: readonly string[];
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync (RoomSummary) */
const MAX_HEROES = 5;

export function summarise(state: readonly StateVersion[]): MemberSummary {
  const members = state.filter(({ type, event }) => type === 'm.room.member' && event !== undefined);
  const present = members.filter(({ event }) => event?.membership === 'join' || event?.membership === 'invite');
  const gone = members.filter(({ event }) => event?.membership === 'leave' || event?.membership === 'ban');
  const joined = present.filter(({ event }) => event?.membership === 'join').length;
  return { joined, invited: present.length - joined, heroes: first(present), gone: first(gone) };
}

function first(members: readonly StateVersion[]): string[] {
  const oldest = [...members].sort((one, other) => one.position - other.position).slice(0, MAX_HEROES + 1);
  return oldest.map(({ stateKey }) => stateKey);
}

/** The heroes that one user is shown. */
export function heroesFor(summary: MemberSummary, userId: string): string[] {
  const others = summary.heroes.filter((hero) => hero !== userId);
  const shown = others.length > 0 ? others : summary.gone.filter((hero) => hero !== userId);
  return shown.slice(0, MAX_HEROES);
}
