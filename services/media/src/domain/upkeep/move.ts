import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ByteInventory, ExpectedBytes } from '../ports/byte-inventory.js';
import { type ByteStore, BytesMissingError } from '../ports/byte-store.js';

export interface Moved {
  readonly files: number;
  readonly bytes: number;
  /** Keys of what could not be moved: it is not there, or is not what it should be. Nothing of it was changed. */
  readonly failed: readonly string[];
}

const AT_ONCE = 200;

/**
 * Moves what a previous store still has to the current one, while the service reads from both. What was there already is not
 * copied again, so that it may be ended and begun anew at any time.
 */
export async function move(inventory: ByteInventory, previous: ByteStore, current: ByteStore): Promise<Moved> {
  const failed: string[] = [];
  let [files, bytes] = [0, 0];
  for (let after = ''; ; ) {
    const page = await inventory.expected(after, AT_ONCE);
    for (const each of page) {
      const outcome = await moveOne(each, { inventory, previous, current });
      if (outcome === 'failed') failed.push(each.key);
      if (outcome !== 'moved') continue;
      files++;
      bytes += each.bytes;
    }
    const last = page.at(-1);
    if (last === undefined) return { files, bytes, failed };
    after = last.key;
  }
}

interface Places {
  readonly inventory: ByteInventory;
  readonly previous: ByteStore;
  readonly current: ByteStore;
}

type Outcome = 'moved' | 'there' | 'failed' | 'gone';

async function moveOne(each: ExpectedBytes, { inventory, previous, current }: Places): Promise<Outcome> {
  const source = await found(previous, each.key);
  const target = await found(current, each.key);
  if (target) {
    target.destroy();
    source?.destroy();
    // Ended between the copy and this.
    if (source) await previous.remove(each.key);
    return 'there';
  }
  if (source === undefined) return (await inventory.has(each.key)) ? 'failed' : 'gone';
  try {
    await current.put(each.key, checked(source, each));
  } catch (error) {
    if (error instanceof WrongBytesError) return 'failed';
    throw error;
  }
  await previous.remove(each.key);
  if (await inventory.has(each.key)) return 'moved';
  // It was deleted meanwhile, perhaps before it was here.
  await current.remove(each.key);
  return 'gone';
}

async function found(store: ByteStore, key: string): Promise<Readable | undefined> {
  try {
    return await store.get(key);
  } catch (error) {
    if (error instanceof BytesMissingError) return undefined;
    throw error;
  }
}

class WrongBytesError extends Error {}

/** Fails at the end when it was something else, so that nothing is kept. */
async function* checked(source: Readable, { sha256, bytes }: ExpectedBytes): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of source) {
    hash.update(chunk as Buffer);
    length += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (length !== bytes || !hash.digest().equals(sha256)) throw new WrongBytesError();
}
