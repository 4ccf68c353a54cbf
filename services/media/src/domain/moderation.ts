import { MatrixError } from '@ganglion/contracts';
import { mxcUri } from './media-ids.js';
import type { FileName } from './ports/file-store.js';
import type { Decision, FileAccount, FileSelection, ModerationStore, OwnedFile } from './ports/moderation-store.js';
import type { Avatars, RoomAvatars, RoomFiles } from './ports/surroundings.js';

/** Files removed by one statement. */
const AT_ONCE = 500;

/** Which files have been there for too long. */
export interface Unused {
  /** In milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Only files larger than so many bytes. */
  readonly largerThan?: number | undefined;
  /** Not what somebody, or a room, has as their avatar. */
  readonly keepProfiles: boolean;
}

/** What administrators do with files. The callers have made sure that they are. */
export class Moderation {
  constructor(
    private readonly store: ModerationStore,
    private readonly rooms: RoomFiles & RoomAvatars,
    private readonly avatars: Avatars,
    private readonly localNames: readonly string[],
  ) {}

  /**
   * Keeps a file, whatever has the same bytes now or later, and whatever may come by its name, from everybody. One of another
   * server need not be here.
   *
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN for what is protected
   */
  async quarantine(name: FileName, decision: Decision): Promise<void> {
    const isRemote = !this.#isLocal(name);
    if (!isRemote) await this.#mustExist(name);
    const count = await this.store.quarantine({ names: [name] }, decision, isRemote ? [name] : []);
    if (count === 0) throw new MatrixError(403, 'M_FORBIDDEN', 'This file is protected from quarantine');
  }

  /** @throws MatrixError M_NOT_FOUND */
  async unquarantine(name: FileName, decision: Decision): Promise<void> {
    if ((await this.store.unquarantine([name], decision)) === 0) await this.#mustExist(name);
  }

  /** How many files. */
  quarantineUser(userId: string, decision: Decision): Promise<number> {
    return this.store.quarantine({ userId }, { ...decision, reason: userId });
  }

  /** Of what events of the room name in the clear, those of other servers even when they are not here; how many files. */
  async quarantineRoom(roomId: string, decision: Decision): Promise<number> {
    const names = await this.rooms.named(roomId);
    const remote = names.filter((name) => !this.#isLocal(name));
    return this.store.quarantine({ names }, { ...decision, reason: roomId }, remote);
  }

  /** Of a file of ours. @throws MatrixError M_NOT_FOUND */
  async protect(mediaId: string, isProtected: boolean, decision: Decision): Promise<void> {
    const names = this.localNames.map((serverName) => ({ serverName, mediaId }));
    if ((await this.store.protect(names, isProtected, decision)) === 0) throw noSuchFile();
  }

  /** @throws MatrixError M_NOT_FOUND */
  async remove(name: FileName, decision: Decision): Promise<FileName[]> {
    const removed = await this.store.remove({ names: [name] }, 1, decision);
    if (removed.length === 0) throw noSuchFile();
    return removed;
  }

  /** Removes some of a user's files; which. */
  removeOfUser(userId: string, most: number, decision: Decision): Promise<FileName[]> {
    return this.store.remove({ userId }, most, { ...decision, reason: userId });
  }

  /**
   * Removes what events of a room name in the clear; which. Anybody in a room may name whatever they like: what is protected,
   * or the avatar of its owner or of a room, stays.
   */
  async removeOfRoom(roomId: string, decision: Decision): Promise<FileName[]> {
    const names = await this.rooms.named(roomId);
    return this.#removeUnlessAvatars({ names, notProtected: true }, { ...decision, reason: roomId });
  }

  /** Removes files of ours that were not used since then; which. Protected ones stay. */
  async removeUnused({ sinceMs, largerThan, keepProfiles }: Unused, decision: Decision): Promise<FileName[]> {
    const servers = { names: this.localNames };
    const selection = {
      servers,
      unusedSinceMs: sinceMs,
      notProtected: true,
      ...(largerThan !== undefined && { largerThan }),
    };
    const reason = `unused since ${new Date(sinceMs).toISOString()}`;
    const because = { ...decision, reason };
    return keepProfiles ? this.#removeUnlessAvatars(selection, because) : this.#removeAll(selection, because);
  }

  /** Removes files of other servers that were not used since then; how many. They can be fetched again. */
  async removeRemote(sinceMs: number, decision: Decision): Promise<number> {
    const servers = { names: this.localNames, not: true };
    const reason = `unused since ${new Date(sinceMs).toISOString()}`;
    return (await this.#removeAll({ servers, unusedSinceMs: sinceMs }, { ...decision, reason })).length;
  }

  list(userId: string, page: { from: number; limit: number }): Promise<{ files: FileAccount[]; total: number }> {
    return this.store.list(userId, page);
  }

  /** What events of a room name in the clear. */
  async ofRoom(roomId: string): Promise<{ local: FileName[]; remote: FileName[] }> {
    const names = await this.rooms.named(roomId);
    const isLocal = (name: FileName) => this.#isLocal(name);
    return { local: names.filter(isLocal), remote: names.filter((name) => !isLocal(name)) };
  }

  #isLocal({ serverName }: FileName): boolean {
    return this.localNames.includes(serverName);
  }

  async #removeAll(selection: FileSelection, decision: Decision): Promise<FileName[]> {
    const removed: FileName[] = [];
    for (;;) {
      const some = await this.store.remove(selection, AT_ONCE, decision);
      removed.push(...some);
      if (some.length < AT_ONCE) return removed;
    }
  }

  async #removeUnlessAvatars(selection: FileSelection, decision: Decision): Promise<FileName[]> {
    const removed: FileName[] = [];
    for (let after = 0; ; ) {
      const page = await this.store.select(selection, after, AT_ONCE);
      const names = await this.#withoutAvatars(page);
      if (names.length > 0) removed.push(...(await this.store.remove({ ...selection, names }, AT_ONCE, decision)));
      const last = page.at(-1);
      if (last === undefined || page.length < AT_ONCE) return removed;
      after = last.fileNid;
    }
  }

  async #withoutAvatars(files: readonly OwnedFile[]): Promise<FileName[]> {
    const userIds = [...new Set(files.flatMap(({ userId }) => userId ?? []))];
    const [ofUsers, ofRooms] = await Promise.all([
      this.avatars.of(userIds),
      files.length === 0 ? [] : this.rooms.among(files.map(mxcUri)),
    ]);
    const inUse = new Set([...ofUsers, ...ofRooms]);
    return files.filter((file) => !inUse.has(mxcUri(file)));
  }

  async #mustExist(name: FileName): Promise<void> {
    if ((await this.store.known([name])).length === 0) throw noSuchFile();
  }
}

function noSuchFile(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'There is no such file here');
}
