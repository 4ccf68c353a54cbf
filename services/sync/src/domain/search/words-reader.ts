import { forEachAtMost } from '../at-most.js';
import type { EventText } from '../event-text.js';
import type { RelationModel } from '../ports/relation-model.js';
import type { UnreadPlace, WordModel, WordsRow } from '../ports/word-model.js';
import type { EventTexts, TextRoom, TextSource } from '../texts/event-texts.js';
import { editedBy, editedText, searchableText } from './searchable.js';

export interface WordsReaderDependencies {
  readonly model: Pick<WordModel, 'placesOf'>;
  readonly relations: Pick<RelationModel, 'childrenOf'>;
  readonly texts: TextSource;
  /** Texts by the ids of events. */
  readonly named: Pick<EventTexts, 'find'>;
}

interface Message {
  readonly place: UnreadPlace;
  readonly text: EventText;
}

const CALLS_AT_ONCE = 4;
/** A longer name is none by which anybody could ask. */
const MAX_SENDER = 255;

/** Reads what words events can be found by: messages by those of their newest edits. */
export class WordsReader {
  constructor(private readonly deps: WordsReaderDependencies) {}

  /** The words of events, and of those that they edit; `gone` are redacted, whatever is known of them. */
  async read(places: readonly UnreadPlace[], gone: ReadonlySet<number> = new Set()): Promise<WordsRow[]> {
    const rows: WordsRow[] = [];
    for (const ofRoom of Map.groupBy(places, ({ nid }) => nid).values()) {
      rows.push(...(await this.#readRoom(ofRoom, gone)));
    }
    return rows;
  }

  async #readRoom(places: readonly UnreadPlace[], gone: ReadonlySet<number>): Promise<WordsRow[]> {
    const room = places[0]!;
    const texts = await this.deps.texts.load(room, new Set(places.map(({ eventNid }) => eventNid)));
    const messages = new Map<number, Message>();
    const note = (place: UnreadPlace, text: EventText | undefined) => {
      if (text !== undefined && isThere(text, gone)) messages.set(place.eventNid, { place, text });
    };
    for (const place of places) note(place, texts.get(place.eventNid));
    for (const { place, text } of await this.#edited(room, [...messages.values()])) note(place, text);
    return this.#rowsOf(room, [...messages.values()], gone);
  }

  /** What the edits among some messages edit, of what is not among them itself. */
  async #edited(room: TextRoom, messages: readonly Message[]): Promise<Message[]> {
    const known = new Set(messages.map(({ text }) => text.eventId));
    const wanted = new Set(messages.flatMap(({ text }) => editedBy(text) ?? []).filter((id) => !known.has(id)));
    const texts = new Map<number, EventText>();
    await forEachAtMost([...wanted], CALLS_AT_ONCE, async (eventId) => {
      const text = await this.deps.named.find(room, eventId);
      if (text !== undefined) texts.set(text.eventNid, text);
    });
    if (texts.size === 0) return [];
    const places = await this.deps.model.placesOf(room.nid, [...texts.keys()]);
    return places.map((place) => ({ place, text: texts.get(place.eventNid)! }));
  }

  async #rowsOf(room: TextRoom, messages: readonly Message[], gone: ReadonlySet<number>): Promise<WordsRow[]> {
    const edits = await this.#newestEdits(
      room,
      messages.flatMap(({ place, text }) =>
        mayBeEdited(place) && text.stateKey === undefined && searchableText(text) !== undefined ? [text] : [],
      ),
      gone,
    );
    return messages.flatMap(({ place, text }) => {
      const own = searchableText(text);
      if (own === undefined || text.sender.length > MAX_SENDER) return [];
      const edit = edits.get(text.eventId);
      const said = edit === undefined ? own : editedText(edit);
      if (said === undefined) return [];
      const { position, eventNid } = place;
      return { roomNid: room.nid, position, eventNid, editNid: edit?.eventNid, sender: text.sender, ...said };
    });
  }

  /** The edits that count, by the ids of what they edit. */
  async #newestEdits(
    room: TextRoom,
    parents: readonly EventText[],
    gone: ReadonlySet<number>,
  ): Promise<ReadonlyMap<string, EventText>> {
    if (parents.length === 0) return new Map();
    const query = { roomNid: room.nid, userId: '', ignored: [], upTo: Number.MAX_SAFE_INTEGER, parents };
    const children = (await this.deps.relations.childrenOf(query)).filter(({ edits }) => edits.length > 0);
    if (children.length === 0) return new Map();
    const texts = await this.deps.texts.load(room, new Set(children.flatMap(({ edits }) => edits)));
    const newest = children.flatMap(({ parentId, edits }) => {
      const shown = edits
        .map((nid) => texts.get(nid))
        .find((text) => text !== undefined && isThere(text, gone) && editedText(text) !== undefined);
      return shown === undefined ? [] : [[parentId, shown] as const];
    });
    return new Map(newest);
  }
}

/** What relates to an event comes after it, or is backfilled. */
function mayBeEdited({ position, relationsPosition }: UnreadPlace): boolean {
  return relationsPosition > position;
}

function isThere({ eventNid, redactedByNid }: EventText, gone: ReadonlySet<number>): boolean {
  return redactedByNid === undefined && !gone.has(eventNid);
}
