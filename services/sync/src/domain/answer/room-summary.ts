import { contentText } from '../event-text.js';
import type { ReadModel } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import { heroesFor, KNOWN_HEROES } from '../views/member-summary.js';
import { entryAt } from '../views/room-state.js';
import type { RoomView } from '../views/room-view.js';

interface Readers {
  readonly model: ReadModel;
  readonly texts: EventTexts;
}

/** `summary` of one room as JSON text. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync (RoomSummary) */
export async function summaryText(readers: Readers, view: RoomView, at: number, userId: string): Promise<string> {
  const heroes = await shownHeroes(readers, view, at, userId);
  const { joined, invited } = view.counts;
  return JSON.stringify({
    'm.joined_member_count': joined,
    'm.invited_member_count': invited,
    ...(heroes !== undefined && { 'm.heroes': heroes }),
  });
}

/** Whether the summary may be another one than it was at an earlier position. */
export function summaryChanged(view: RoomView, since: number, at: number): boolean {
  const changed = (type: string) => (view.version(type, '', at)?.position ?? 0) > since;
  return view.membersChanged(since) || changed('m.room.name') || changed('m.room.canonical_alias');
}

/** After whom a user calls a room that has no name of its own; undefined for a room that has one. */
export async function shownHeroes(
  readers: Readers,
  view: RoomView,
  at: number,
  userId: string,
): Promise<readonly string[] | undefined> {
  if (await isNamed(readers, view, at)) return undefined;
  return heroesFor(await view.heroes(() => readers.model.heroes(view.record.nid, KNOWN_HEROES)), userId);
}

/** A name may be taken away again, by an empty one or by a redaction. */
async function isNamed({ model, texts }: Readers, view: RoomView, at: number): Promise<boolean> {
  const name = await entryAt(model, view, 'm.room.name', '', at);
  const alias = await entryAt(model, view, 'm.room.canonical_alias', '', at);
  const nids = [name, alias].flatMap((entry) => entry?.eventNid ?? []);
  const found = await texts.load(view.record, nids);
  const isSet = (nid: number | undefined, key: string) => {
    const text = nid === undefined ? undefined : found.get(nid);
    const value = text === undefined ? undefined : JSON.parse(contentText(text))[key];
    return typeof value === 'string' && value !== '';
  };
  return isSet(name?.eventNid, 'name') || isSet(alias?.eventNid, 'alias');
}
