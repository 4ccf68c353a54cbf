import type { Head } from '../ports/read-model.js';
import type { WordModel } from '../ports/word-model.js';
import type { WordsReader } from './words-reader.js';

export interface SearchIndexerDependencies {
  readonly model: WordModel;
  /** How far the read model has come. */
  readonly head: () => Promise<Head>;
  readonly words: Pick<WordsReader, 'read'>;
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
    const { model, head, words } = this.deps;
    const { position } = await head();
    for (let from = await model.progress(); from.upTo < position; from = await model.progress()) {
      const places = await model.above(from.upTo, position, PAGE);
      const upTo = places.length < PAGE ? position : places.at(-1)!.position;
      const redacted = places.flatMap(({ nid: roomNid, redactsNid: eventNid }) =>
        eventNid === undefined ? [] : [{ roomNid, eventNid }],
      );
      const gone = new Set(redacted.map(({ eventNid }) => eventNid));
      const rows = await words.read([...places, ...(await model.edited(redacted))], gone);
      await model.take({ rows, redacted, from, to: { ...from, upTo } });
    }
  }

  /** Reads a page of what was there before the index; whether there was any. */
  async readOld(): Promise<boolean> {
    const { model, words } = this.deps;
    const from = await model.progress();
    if (from.downTo <= 0) return false;
    const places = await model.below(from.downTo, PAGE);
    const downTo = places.length < PAGE ? 0 : places.at(-1)!.position - 1;
    await model.take({ rows: await words.read(places), redacted: [], from, to: { ...from, downTo } });
    return true;
  }

  /** Reads a page of what was backfilled, of some rooms; whether there was any. */
  async readBackfilled(): Promise<boolean> {
    const { model, words } = this.deps;
    const rooms = await model.backfilledRooms(ROOMS);
    for (const { nid, below, backSeq } of rooms) {
      const places = await model.backfilled(nid, below, PAGE);
      // Some events have no place: then nothing is below the last one that has.
      const downTo = places.length < PAGE ? backSeq : places.at(-1)!.position;
      await model.takeBackfilled(nid, downTo, await words.read(places));
    }
    return rooms.length > 0;
  }
}
