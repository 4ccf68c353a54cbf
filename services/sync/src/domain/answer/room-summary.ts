import { heroesFor } from '../views/member-summary.js';
import type { RoomView } from '../views/room-view.js';

/** `summary` of one room as JSON text. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync (RoomSummary) */
export function summaryText(view: RoomView, at: number, userId: string): string {
  const { joined, invited } = view.members(at);
  const heroes = shownHeroes(view, at, userId);
  return JSON.stringify({
    'm.joined_member_count': joined,
    'm.invited_member_count': invited,
    ...(heroes !== undefined && { 'm.heroes': heroes }),
  });
}

/** Whether the summary may be another one than it was at an earlier position, which the view must cover. */
export function summaryChanged(view: RoomView, since: number, at: number): boolean {
  const changed = (type: string) => (view.version(type, '', at)?.position ?? 0) > since;
  return view.membersChanged(since) || changed('m.room.name') || changed('m.room.canonical_alias');
}

/** After whom a user calls a room that has no name of its own; undefined for a room that has one. */
export function shownHeroes(view: RoomView, at: number, userId: string): readonly string[] | undefined {
  const isNamed = isSet(view, 'm.room.name', 'name', at) || isSet(view, 'm.room.canonical_alias', 'alias', at);
  return isNamed ? undefined : heroesFor(view.members(at), userId);
}

/** A name may be taken away again, by an empty one or by a redaction. */
function isSet(view: RoomView, type: string, key: string, at: number): boolean {
  const event = view.stateEvent(type, '', at);
  const value = event === undefined ? undefined : JSON.parse(event.json).content[key];
  return typeof value === 'string' && value !== '';
}
