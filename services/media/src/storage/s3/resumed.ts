import type { Readable } from 'node:stream';
import type { ByteRange } from '../../domain/ports/byte-store.js';
import { readThrough } from '../../domain/read-through.js';

interface Opened {
  readonly body: Readable;
  /** How many bytes it announces. */
  readonly bytes: number;
}

/** From a byte on, to the last one if that is said. */
interface Part {
  readonly first: number;
  readonly last?: number;
}

const ATTEMPTS = 5;

/**
 * Reads a file over connections that may break off: what is missing is asked for again, so that whoever reads notices nothing.
 *
 * @param open never asked for what is not there
 */
export async function resumed(open: (part?: Part) => Promise<Opened>, range?: ByteRange): Promise<Readable> {
  const first = await open(range);
  const end = (range?.first ?? 0) + first.bytes;
  return readThrough(first.body, read(first, range?.first ?? 0, end, open), 256 * 1024);
}

async function* read(opened: Opened, first: number, end: number, open: (part: Part) => Promise<Opened>) {
  let { body } = opened;
  let at = first;
  for (let attempt = 1; ; attempt++) {
    const before = at;
    try {
      for await (const chunk of body) {
        at += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
      if (at >= end) return;
    } catch (error) {
      if (attempt >= ATTEMPTS && at === before) throw error;
    }
    // It begins anew as long as something comes.
    if (at > before) attempt = 0;
    else if (attempt >= ATTEMPTS) throw new Error('the store breaks off its answers');
    body = (await open({ first: at, last: end - 1 })).body;
  }
}
