import type { Head } from '../ports/read-model.js';
import type { SearchModel, SearchRow, UnreadPlace } from '../ports/search-model.js';
import type { TextSource } from '../texts/event-texts.js';
import { searchableText } from './searchable.js';

export interface SearchIndexerDependencies {
  readonly model: SearchModel;
  /** How far the read model has come. */
  readonly head: () => Promise<Head>;
  readonly texts: TextSource;
}

const PAGE = 500;
const ROOMS = 20;

/**
 * Reads events for the words that they can be found by: first what is new, then, when there is nothing new, what was there
 * before the index, the latest first, and what was backfilled. Nobody who sends waits for it.
 */
export class SearchIndexer {
  constructor(private readonly deps: SearchIndexerDependencies) {}

  /** Reads what is new, as far as it has come by now. */
  async readNews(): Promise<void> {
    const { model, head } = this.deps;
    const { position } = await head();
    for (let from = await model.progress(); from.upTo < position; from = await model.progress()) {
      const places = await model.above(from.upTo, position, PAGE);
      const upTo = places.length < PAGE ? position : places.at(-1)!.position;
      const redacted = places.flatMap(({ nid: roomNid, redactsNid: eventNid }) =>
        eventNid === undefined ? [] : [{ roomNid, eventNid }],
      );
      await model.take({ rows: await this.#wordsOf(places), redacted, from, to: { ...from, upTo } });
    }
  }

  /** Reads a page of what is old; whether there was any. */
  async readOld(): Promise<boolean> {
    const { model } = this.deps;
    const from = await model.progress();
    if (from.downTo <= 0) return this.#readBackfilled();
    const places = await model.below(from.downTo, PAGE);
    const downTo = places.length < PAGE ? 0 : places.at(-1)!.position - 1;
    await model.take({ rows: await this.#wordsOf(places), redacted: [], from, to: { ...from, downTo } });
    return true;
  }

  async #readBackfilled(): Promise<boolean> {
    const { model } = this.deps;
    const rooms = await model.backfilledRooms(ROOMS);
    for (const room of rooms) {
      const places = await model.backfilled(room.nid, room.below, PAGE);
      const downTo = places.at(-1)?.position ?? room.below;
      await model.takeBackfilled(room.nid, downTo, await this.#wordsOf(places));
    }
    return rooms.length > 0;
  }

  async #wordsOf(places: readonly UnreadPlace[]): Promise<SearchRow[]> {
    const rows: SearchRow[] = [];
    for (const ofRoom of Map.groupBy(places, ({ nid }) => nid).values()) {
      const nids = ofRoom.map(({ eventNid }) => eventNid);
      const known = await this.deps.texts.load(ofRoom[0]!, nids);
      for (const { nid: roomNid, position, eventNid } of ofRoom) {
        const text = known.get(eventNid);
        const found = text === undefined || text.redactedByNid !== undefined ? undefined : searchableText(text);
        if (found !== undefined) rows.push({ roomNid, position, eventNid, ...found });
      }
    }
    return rows;
  }
}
