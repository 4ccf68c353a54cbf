import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type ByteRange,
  type ByteStore,
  BytesMissingError,
  type StoredKey,
  StoreFullError,
} from '../domain/ports/byte-store.js';

/** Files are read and written in pieces of so many bytes: each piece is a call of the system, and is in memory once for each file. */
const READ_AT_ONCE = 1024 * 1024;
const WRITE_AT_ONCE = 512 * 1024;
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Bytes in a folder: written under a temporary name, brought to the disk, and then renamed. Any number of processes may share
 * the folder, as keys are never used twice.
 */
export class FolderStore implements ByteStore {
  readonly #made = new Set<string>();

  /** @param folder made when something is first written */
  constructor(private readonly folder: string) {}

  async put(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#pathOf(key);
    const temporary = this.#temporaryOf(key);
    try {
      await this.#make(dirname(temporary));
      await this.#make(dirname(path));
      await write(temporary, bytes);
      await rename(temporary, path);
      await sync(dirname(path));
    } catch (error) {
      await this.remove(key).catch(() => {});
      const { code = '' } = error as NodeJS.ErrnoException;
      throw FULL.has(code) ? new StoreFullError(`no room in ${this.folder}`, { cause: error }) : error;
    }
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const part = range && { start: range.first, end: range.last };
    const handle = await open(this.#pathOf(key)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new BytesMissingError(key, { cause: error }) : error;
    });
    return handle.createReadStream({ ...part, highWaterMark: READ_AT_ONCE });
  }

  async remove(key: string): Promise<void> {
    await rm(this.#temporaryOf(key), { force: true });
    await rm(this.#pathOf(key), { force: true });
  }

  async *list(): AsyncIterable<StoredKey> {
    const entries = await opendir(this.folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for await (const entry of entries) {
      if (!entry.isFile()) continue;
      const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
      if (found) yield { key: entry.name, bytes: found.size };
    }
  }

  #pathOf(key: string): string {
    return join(this.folder, key.slice(0, 2), key);
  }

  #temporaryOf(key: string): string {
    return join(this.folder, 'incoming', key);
  }

  /** What has been made is known to the disk, too. */
  async #make(folder: string): Promise<void> {
    if (this.#made.has(folder)) return;
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first !== undefined) await sync(dirname(first));
    this.#made.add(folder);
  }
}

async function write(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    let waiting: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of bytes) {
      waiting.push(chunk);
      size += chunk.length;
      if (size < WRITE_AT_ONCE) continue;
      await writeAll(file, waiting, size);
      [waiting, size] = [[], 0];
    }
    await writeAll(file, waiting, size);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A disk that is nearly full takes a part. */
async function writeAll(file: FileHandle, chunks: readonly Uint8Array[], size: number): Promise<void> {
  if (size === 0) return;
  const { bytesWritten } = await file.writev([...chunks]);
  if (bytesWritten === size) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let written = 0; written < rest.length; ) written += (await file.write(rest, written)).bytesWritten;
}

/** A rename survives a crash when its folder has been brought to the disk. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
