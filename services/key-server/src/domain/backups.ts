import { MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import { invalidParam, notFound } from './failures.js';
import type { Backup, BackupState, BackupStore, KeyPage, KeyScope, SessionKey } from './ports.js';

const unknownVersion = () => notFound('There is no such backup version');

export interface BackupInfo {
  readonly algorithm: string;
  readonly authData: JsonObject;
}

/** What is answered of a change to the keys in a backup. */
export interface BackupAnswer {
  readonly count: number;
  readonly etag: string;
}

/** Keys that users keep here, encrypted by themselves. @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
export class Backups {
  constructor(private readonly store: BackupStore) {}

  /** Begins a backup; its version. */
  async create(userId: string, { algorithm, authData }: BackupInfo): Promise<string> {
    return String(await this.store.create(userId, algorithm, JSON.stringify(authData)));
  }

  /** @throws MatrixError M_NOT_FOUND */
  async current(userId: string): Promise<Backup> {
    const backup = await this.store.find(userId);
    if (backup === undefined) throw notFound('There is no backup');
    return backup;
  }

  /** @throws MatrixError M_NOT_FOUND */
  async find(userId: string, version: string): Promise<Backup> {
    const backup = await this.store.find(userId, versionOf(version));
    if (backup === undefined) throw unknownVersion();
    return backup;
  }

  /** @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM for another algorithm */
  async update(userId: string, version: string, { algorithm, authData }: BackupInfo): Promise<void> {
    const known = await this.find(userId, version);
    if (known.algorithm !== algorithm) throw invalidParam('algorithm is not that of the backup');
    const updated = await this.store.update(userId, known.version, algorithm, JSON.stringify(authData));
    if (!updated) throw unknownVersion();
  }

  /** Removes a backup, if that was not done before. @throws MatrixError M_NOT_FOUND when there never was one */
  async remove(userId: string, version: string): Promise<void> {
    if (!(await this.store.remove(userId, versionOf(version)))) throw unknownVersion();
  }

  /** @throws MatrixError M_NOT_FOUND, M_WRONG_ROOM_KEYS_VERSION when the backup is not the current one */
  async putKeys(userId: string, version: string, keys: readonly SessionKey[]): Promise<BackupAnswer> {
    const result = await this.store.putKeys(userId, versionOf(version), keys);
    if (result === undefined) throw unknownVersion();
    if ('count' in result) return answerOf(result);
    const current = { current_version: String(result.current) };
    throw new MatrixError(403, 'M_WRONG_ROOM_KEYS_VERSION', 'This is not the current backup version', current);
  }

  /** @throws MatrixError M_NOT_FOUND */
  async key(userId: string, version: string, session: Required<KeyScope>): Promise<SessionKey> {
    const [key] = (await this.#firstKeys(userId, version, session)).keys;
    if (key === undefined) throw notFound('There is no such key in the backup');
    return key;
  }

  /**
   * The keys in the order of their rooms and sessions, page by page, however many there are. What comes or goes meanwhile is among them or not;
   * of a backup that is deleted meanwhile no more follow.
   *
   * @throws MatrixError M_NOT_FOUND
   */
  async keys(userId: string, version: string, scope: KeyScope): Promise<AsyncIterable<readonly SessionKey[]>> {
    const first = await this.#firstKeys(userId, version, scope);
    return this.#pages(first, (behind) => this.store.keys(userId, versionOf(version), scope, behind));
  }

  async #firstKeys(userId: string, version: string, scope: KeyScope): Promise<KeyPage> {
    const page = await this.store.keys(userId, versionOf(version), scope);
    if (page === undefined) throw unknownVersion();
    return page;
  }

  async *#pages(first: KeyPage, next: (behind: SessionKey) => Promise<KeyPage | undefined>) {
    for (let page: KeyPage | undefined = first; page !== undefined; ) {
      yield page.keys;
      const last: SessionKey | undefined = page.keys.at(-1);
      page = page.isLast || last === undefined ? undefined : await next(last);
    }
  }

  /** @throws MatrixError M_NOT_FOUND */
  async removeKeys(userId: string, version: string, scope: KeyScope): Promise<BackupAnswer> {
    const state = await this.store.removeKeys(userId, versionOf(version), scope);
    if (state === undefined) throw unknownVersion();
    return answerOf(state);
  }
}

function answerOf({ count, etag }: BackupState): BackupAnswer {
  return { count, etag: String(etag) };
}

/** @throws MatrixError M_NOT_FOUND for what cannot be a version of ours */
function versionOf(version: string): number {
  if (!/^[1-9]\d{0,14}$/.test(version)) throw unknownVersion();
  return Number(version);
}
