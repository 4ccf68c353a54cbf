import type { LocalEphemera, LocalPresence, LocalTyping } from '@ganglion/contracts';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { EphemeraStore, Ephemeron, RoomServers } from '../ports/sending.js';
import { PresentUsers } from './present-users.js';
import { TypingUsers } from './typing-users.js';

export interface EphemeraDependencies {
  readonly intake: Pick<RoomIntake, 'listServersOfRooms' | 'listServersOfUser'>;
  readonly store: EphemeraStore;
  readonly isOurs: (serverName: string) => boolean;
  readonly allows: (serverName: string) => boolean;
}

/** More waits for nobody: what comes then is left out. */
const MOST_WAITING = 50_000;
const ROOMS_AT_ONCE = 500;
/** Others take it for over by then; it is told again before. */
const TYPING_LASTS_MS = 30_000;
const PRESENCE_LASTS_MS = 30 * 60_000;
/**
 * Of all users and servers that are told of them at once: a user may share rooms with thousands of servers, or with none, which is
 * found out as well. More is told the next time.
 */
const MOST_TOLD_OF_PRESENCE = 10_000;
/** Whose servers are looked for at once. */
const USERS_AT_ONCE = 20;

/**
 * What our users read and type, and how reachable they are, gathered until it is put down for the servers in their rooms. Private receipts never come here.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#typing-notifications
 * @see https://spec.matrix.org/v1.19/server-server-api/#presence
 */
export class Ephemera {
  #waiting = new Map<string, Ephemeron>();
  readonly #typing = new TypingUsers();
  readonly #present = new PresentUsers();
  /** By user. */
  readonly #presence = new Map<string, LocalPresence>();

  constructor(private readonly deps: EphemeraDependencies) {}

  hear({ receipts, typing, presence }: LocalEphemera, now: number): void {
    for (const receipt of receipts) {
      const { roomId, userId, threadId } = receipt;
      this.#wait({ kind: 'm.receipt', roomId, userId, threadId, content: { ...receipt }, lastsMs: undefined });
    }
    for (const each of typing) {
      const isTyping = this.#typing.note(each, now);
      if (isTyping !== undefined) this.#type(each, isTyping);
    }
    for (const each of presence) {
      const hasRoom = this.#presence.size < MOST_WAITING || this.#presence.has(each.userId);
      if (hasRoom && this.#present.note(each, now)) this.#presence.set(each.userId, each);
    }
  }

  /** Somebody shares a first room with a server, which knows nothing yet of how reachable they are. */
  meet(userId: string): void {
    const status = this.#present.last(userId);
    const hasRoom = this.#presence.size < MOST_WAITING && !this.#presence.has(userId);
    if (status !== undefined && hasRoom) this.#presence.set(userId, status);
  }

  /**
   * Puts down what has come, and who has typed for too long. Nobody waits with what they read and type for how reachable others
   * are. Resolves with whether some of it is for other servers.
   */
  async flush(now: number, signal: AbortSignal): Promise<boolean> {
    for (const ended of this.#typing.expire(now)) this.#type(ended, false);
    const isTold = await this.#flushWaiting();
    return (await this.#flushPresence(signal)) || isTold;
  }

  async #flushWaiting(): Promise<boolean> {
    const waiting = this.#waiting;
    if (waiting.size === 0) return false;
    this.#waiting = new Map();
    try {
      return await this.#put([...waiting.values()]);
    } catch (error) {
      // What has come meanwhile is newer.
      this.#waiting = new Map([...waiting, ...this.#waiting]);
      throw error;
    }
  }

  /** As much as goes at once: a storm of changes, as when everybody comes back, keeps nothing else waiting for long. */
  async #flushPresence(signal: AbortSignal): Promise<boolean> {
    let isTold = false;
    for (let told = 0; told < MOST_TOLD_OF_PRESENCE && this.#presence.size > 0 && !signal.aborted; ) {
      const statuses = [...this.#presence.values()].slice(0, USERS_AT_ONCE);
      const rooms = await Promise.all(statuses.map(({ userId }) => this.#serversOf(userId)));
      const known = rooms.filter(({ servers }) => servers.length > 0);
      const users = new Set(known.map(({ roomId }) => roomId));
      const ephemera = statuses.filter(({ userId }) => users.has(userId)).map(ephemeronOf);
      if (ephemera.length > 0) await this.deps.store.put(ephemera, known);
      isTold ||= ephemera.length > 0;
      for (const status of statuses) {
        // What has come meanwhile is newer.
        if (this.#presence.get(status.userId) === status) this.#presence.delete(status.userId);
      }
      told += known.reduce((sum, { servers }) => sum + servers.length, statuses.length);
    }
    return isTold;
  }

  /** Those that share a room with a user. */
  async #serversOf(userId: string): Promise<RoomServers> {
    const { serverNames } = await this.deps.intake.listServersOfUser({ userId });
    const { isOurs, allows } = this.deps;
    return { roomId: userId, servers: serverNames.filter((name) => !isOurs(name) && allows(name)) };
  }

  async #put(ephemera: readonly Ephemeron[]): Promise<boolean> {
    let isTold = false;
    const byRoom = Map.groupBy(ephemera, ({ roomId }) => roomId);
    const roomIds = [...byRoom.keys()];
    for (let first = 0; first < roomIds.length; first += ROOMS_AT_ONCE) {
      const rooms = await this.#servers(roomIds.slice(first, first + ROOMS_AT_ONCE));
      const told = rooms.flatMap(({ roomId }) => byRoom.get(roomId) ?? []);
      if (told.length > 0) await this.deps.store.put(told, rooms);
      isTold ||= told.length > 0;
    }
    return isTold;
  }

  /** Those of the rooms that other servers are in. Of what the operator has blocked nothing is told. */
  async #servers(roomIds: string[]): Promise<RoomServers[]> {
    const { isOurs, allows } = this.deps;
    const { rooms } = await this.deps.intake.listServersOfRooms({ roomIds });
    const open = rooms.filter(({ blocked }) => !blocked);
    const others = open.map(({ roomId, serverNames }) => ({
      ...{ roomId, servers: serverNames.filter((name) => !isOurs(name) && allows(name)) },
    }));
    return others.filter(({ servers }) => servers.length > 0);
  }

  #type({ roomId, userId }: Omit<LocalTyping, 'timeoutMs'>, typing: boolean): void {
    const content = { roomId, userId, typing };
    this.#wait({ kind: 'm.typing', roomId, userId, threadId: '', content, lastsMs: TYPING_LASTS_MS });
  }

  #wait(ephemeron: Ephemeron): void {
    const { kind, roomId, userId, threadId } = ephemeron;
    const key = `${kind} ${roomId} ${userId} ${threadId}`;
    if (this.#waiting.size < MOST_WAITING || this.#waiting.has(key)) this.#waiting.set(key, ephemeron);
  }
}

function ephemeronOf(status: LocalPresence): Ephemeron {
  const { userId } = status;
  const place = { kind: 'm.presence', roomId: userId, userId, threadId: '' } as const;
  return { ...place, content: { ...status }, lastsMs: PRESENCE_LASTS_MS };
}
