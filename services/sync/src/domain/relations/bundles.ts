import { canBeThreadRoot, relationOf } from '@ganglion/protocol';
import { contentText } from '../event-text.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { Children, RelationModel } from '../ports/relation-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import { showEvents } from '../texts/shown-events.js';
import { eventText, isErasedFor, type ShownEvent, type TimelineEvent, type Viewer } from '../timeline-event.js';

export interface BundleReaders {
  readonly relations: RelationModel;
  readonly texts: EventTexts;
}

/** Whose eyes events of a room are looked at with. */
export interface BundleViewer {
  readonly room: RoomRecord;
  /** Whether anything may relate to an event of this position. */
  readonly mayHaveChildren: (position: number) => boolean;
  readonly maySee: (event: TimelineEvent) => boolean;
  readonly ignored: ReadonlySet<string>;
  /** Nothing above this position is there to be seen. */
  readonly upTo: number;
  readonly viewer: Viewer;
}

/** The texts of `m.relations`, by the numbers of the events that they go with. */
export type Bundles = ReadonlyMap<number, string>;

const NONE: Bundles = new Map();

/**
 * What relates to events, to be shown with them: the newest edit, the thread, and what refers to them.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
 */
export async function bundlesOf(
  readers: BundleReaders,
  viewer: BundleViewer,
  events: readonly ShownEvent[],
): Promise<Bundles> {
  return bundle(readers, viewer, events, true);
}

/** The events in bundles have bundles, too, with nothing but their edits. */
async function bundle(readers: BundleReaders, asked: BundleViewer, events: readonly ShownEvent[], isWhole: boolean) {
  const parents = events.filter(
    ({ text, place, redaction }) =>
      text.stateKey === undefined && redaction === undefined && asked.mayHaveChildren(place?.position ?? 0),
  );
  if (parents.length === 0) return NONE;
  const { room, viewer, ignored, upTo } = asked;
  const children = await readers.relations.childrenOf({
    ...{ roomNid: room.nid, userId: viewer.userId, ignored: [...ignored], upTo },
    parents: parents.map(({ text }) => text),
  });
  if (children.length === 0) return NONE;
  const found = await findShown(readers, asked, children, isWhole);
  const byParent = new Map(children.map((row) => [row.parentId, row]));
  const newest = isWhole ? await newestReplies(readers, asked, children, found) : NONE;
  const bundles = new Map<number, string>();
  for (const parent of parents) {
    const row = byParent.get(parent.text.eventId);
    const text = row && bundleText(asked, parent, row, found, isWhole ? newest : undefined);
    if (text !== undefined) bundles.set(parent.text.eventNid, text);
  }
  return bundles;
}

/** The children that may be shown, as far as the viewer may see them. */
async function findShown(
  { relations, texts }: BundleReaders,
  { room, viewer, maySee, upTo }: BundleViewer,
  children: readonly Children[],
  isWhole: boolean,
): Promise<ReadonlyMap<number, TimelineEvent>> {
  const nids = new Set(children.flatMap(({ edits, replies }) => (isWhole ? [...edits, ...replies] : edits)));
  if (nids.size === 0) return new Map();
  const places = await relations.places(room.nid, [...nids], viewer.userId);
  const events = await showEvents(texts, room, places);
  const isShown = (event: TimelineEvent) =>
    event.place.position <= upTo &&
    event.redaction === undefined &&
    !isErasedFor(event.text, event.place, viewer.erased) &&
    maySee(event);
  return new Map(events.filter(isShown).map((event) => [event.text.eventNid, event]));
}

/** What goes with the newest events of threads. */
async function newestReplies(
  readers: BundleReaders,
  viewer: BundleViewer,
  children: readonly Children[],
  found: ReadonlyMap<number, TimelineEvent>,
): Promise<Bundles> {
  const newest = children.map(({ replies }) => firstOf(replies, found)).filter((event) => event !== undefined);
  return bundle(readers, viewer, newest, false);
}

function firstOf(nids: readonly number[], found: ReadonlyMap<number, TimelineEvent>): TimelineEvent | undefined {
  const nid = nids.find((candidate) => found.has(candidate));
  return nid === undefined ? undefined : found.get(nid);
}

/** With `bundles` of the newest events of threads; without, of the edit alone. */
function bundleText(
  { viewer, room }: BundleViewer,
  parent: ShownEvent,
  { edits, replies, threadCount, hasParticipated, references }: Children,
  found: ReadonlyMap<number, TimelineEvent>,
  bundles: Bundles | undefined,
): string | undefined {
  // Wherever they are, these say which room they are of: clients take them for events like others.
  const inBundle = { ...viewer, roomId: room.roomId, raw: undefined, fields: undefined, relations: bundles };
  const parts: string[] = [];
  const edit = isEditable(parent)
    ? firstOf(
        edits.filter((nid) => isEdit(found.get(nid))),
        found,
      )
    : undefined;
  if (edit !== undefined) parts.push(`"m.replace":${eventText(edit, { ...inBundle, relations: undefined })}`);
  const latest = bundles === undefined || !isRoot(parent) ? undefined : firstOf(replies, found);
  if (latest !== undefined) {
    const participated = hasParticipated || parent.text.sender === viewer.userId;
    parts.push(
      `"m.thread":{"latest_event":${eventText(latest, inBundle)},"count":${threadCount},"current_user_participated":${participated}}`,
    );
  }
  if (bundles !== undefined && references.length > 0) {
    parts.push(`"m.reference":{"chunk":${JSON.stringify(references.map((event_id) => ({ event_id })))}}`);
  }
  return parts.length === 0 ? undefined : `{${parts.join(',')}}`;
}

function contentOf({ text }: ShownEvent): unknown {
  return JSON.parse(contentText(text));
}

function isRoot(event: ShownEvent): boolean {
  return canBeThreadRoot({ content: contentOf(event) as Parameters<typeof canBeThreadRoot>[0]['content'] });
}

/** An edit is not edited itself. */
function isEditable(event: ShownEvent): boolean {
  return relationOf(contentOf(event))?.relType !== 'm.replace';
}

/** What an encrypted edit says is for clients to look at. */
function isEdit(event: TimelineEvent | undefined): boolean {
  if (event === undefined) return false;
  const content = contentOf(event) as Record<string, unknown>;
  return event.text.type === 'm.room.encrypted' || content['m.new_content'] !== undefined;
}
