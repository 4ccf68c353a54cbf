import { MatrixError, partsOf } from '@ganglion/contracts';
import { Gatherer } from '@ganglion/service';
import { LRUCache } from 'lru-cache';
import type { TypingReply } from '../ephemeral/typing-calls.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { PresenceModel } from '../ports/presence-model.js';
import { type PresenceNote, type PresenceState, presenceContent, type RemotePresence } from './presence.js';

export interface OwnPresenceDependencies {
  readonly isEnabled: boolean;
  readonly feed: LiveFeed;
  readonly model: Pick<PresenceModel, 'statuses' | 'shareRoom'>;
  readonly isLocal: (userId: string) => boolean;
  /** Tells the appender; undefined when it cannot be reached. */
  readonly tell: (
    notes: readonly PresenceNote[],
    remote: readonly RemotePresence[],
  ) => Promise<TypingReply | undefined>;
}

/** How often it is said again that a device is there. */
const AGAIN_EVERY_MS = 20_000;
const GATHER_MS = 250;
/** In one message: each may bring a status of a thousand characters, and the bus carries a megabyte. */
const MAX_TOLD = 100;
const MAX_DEVICES = 100_000;

/**
 * What this replica sees of its users' devices, passed on to the appender: that they are there at all, and what they say of
 * themselves. Nothing is written for that.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#presence
 */
export class OwnPresence {
  readonly #notes = new Gatherer<PresenceNote>(GATHER_MS, (notes) => this.#tell(notes));
  /** What was said of each device lately. */
  readonly #said = new LRUCache<string, PresenceState>({ max: MAX_DEVICES, ttl: AGAIN_EVERY_MS });

  constructor(private readonly deps: OwnPresenceDependencies) {}

  /** A device is there, and stays so until what is answered is called: it has a request for /sync. */
  syncing(userId: string, deviceId: string, state: PresenceState): () => void {
    if (!this.deps.isEnabled || state === 'offline') return () => {};
    const say = () => this.#say({ userId, deviceId, state, isActive: false });
    say();
    const timer = setInterval(say, AGAIN_EVERY_MS).unref();
    return () => clearInterval(timer);
  }

  /**
   * What a user says of themselves. Resolves once they would find it in their next /sync, or in two seconds when the appender is
   * not there: it does not last.
   */
  async set(userId: string, deviceId: string, state: PresenceState, statusMsg: string | undefined): Promise<void> {
    if (!this.deps.isEnabled) return;
    this.#said.set(`${deviceId} ${userId}`, state);
    const note = { userId, deviceId, state, isActive: state === 'online', statusMsg: statusMsg ?? null };
    await this.deps.feed.use(() => this.#notes.add(note));
  }

  /** What other servers tell of their users. */
  async setRemote(told: readonly RemotePresence[]): Promise<void> {
    const theirs = told.filter(({ userId }) => !this.deps.isLocal(userId));
    if (!this.deps.isEnabled) return;
    for (const part of partsOf(theirs, MAX_TOLD)) await this.deps.feed.use(() => this.deps.tell([], part));
  }

  /**
   * How reachable a user is, for somebody who may know.
   *
   * @throws MatrixError M_FORBIDDEN when they share no room
   */
  async get(asking: string, userId: string) {
    const { model } = this.deps;
    if (asking !== userId && !(await model.shareRoom(asking, userId))) {
      throw new MatrixError(403, 'M_FORBIDDEN', 'You share no room with this user');
    }
    const [known] = this.deps.isEnabled ? await model.statuses([userId]) : [];
    const nothing = { userId, presence: 'offline' as const, statusMsg: undefined, lastActiveTs: 0 };
    return presenceContent(known ?? nothing, Date.now());
  }

  #say(note: PresenceNote): void {
    const device = `${note.deviceId} ${note.userId}`;
    if (this.#said.get(device) === note.state) return;
    this.#said.set(device, note.state);
    this.#notes.add(note).catch(() => this.#said.delete(device));
  }

  async #tell(notes: readonly PresenceNote[]): Promise<void> {
    const replies = await Promise.all(partsOf(notes, MAX_TOLD).map((part) => this.deps.tell(part, [])));
    const position = Math.max(...replies.map((reply) => reply?.position ?? 0));
    if (position > 0) await this.deps.feed.reach(position);
  }
}
