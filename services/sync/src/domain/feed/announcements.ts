import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from '@ganglion/contracts';
import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import { OneAtATime } from './one-at-a-time.js';

/** What announcements are compared with when some may have been missed. */
export interface Owners {
  /** Whether announcements are heard now. */
  readonly heard: boolean;
  /** What was committed before the call and is not read yet, by room or user; the feed has everything else. */
  unread(): Promise<readonly Announcement[]>;
}

/** Who waits for what concerns them. */
export interface AwaitingReader {
  readonly userId: string;
  /** Whether they have to do with a room, as far as is known here. */
  isIn(roomId: string): boolean;
}

/** What is announced of a room or user and not read yet. */
interface Pending {
  readonly seq: number;
  /** Those whom it concerns even if they are not known to be in the room; undefined when that may be anybody. */
  readonly users: ReadonlySet<string> | undefined;
}

type Concerns = (id: string, pending: Pending) => boolean;

const LONGEST_WAIT_MS = 2_000;
const MAX_KNOWN = 20_000;

/**
 * What was committed but is not in the read model yet, as far as this replica has heard: so that whoever reads right
 * after writing finds what they wrote. Where it may not have heard everything, it asks the owners.
 */
export class Announcements {
  readonly #pending = new Map<string, Pending>();
  /** What was read before it was announced: the two come on different ways. */
  readonly #known = new LRUCache<string, number>({ maxSize: MAX_KNOWN, sizeCalculation: () => 1 });
  readonly #waiting = new Set<() => void>();
  readonly #looks = new OneAtATime(() => this.#look());
  /** How often announcements may have been missed. */
  #losses = 0;
  #complete = false;

  constructor(private readonly owners: Owners) {}

  announce({ id, seq, users }: Announcement): void {
    if ((this.#known.get(id) ?? 0) >= seq) return;
    const before = this.#pending.get(id);
    this.#pending.set(id, { seq: Math.max(seq, before?.seq ?? 0), users: together(before, users) });
  }

  apply({ rooms, userSeqs }: Pick<AppendBatch, 'rooms' | 'userSeqs'>): void {
    for (const { roomId, seq } of rooms) this.#reached(roomId, seq);
    for (const { userId, seq } of userSeqs) this.#reached(userId, seq);
    for (const check of this.#waiting) check();
  }

  /** Announcements or batches may have passed unheard: whoever asks next has to ask the owners. */
  missed(): void {
    this.#losses += 1;
    this.#complete = false;
    this.#pending.clear();
    for (const check of this.#waiting) check();
  }

  /** Also what was read may not be there any more. */
  begin(): void {
    this.#known.clear();
    this.missed();
  }

  /** Resolves once all that was committed of a room or user so far can be read; after two seconds in any case. */
  settled(roomOrUser: string): Promise<void> {
    return this.#settled((id) => id === roomOrUser);
  }

  /**
   * Resolves once all that was committed so far can be read by a user: what is their own, what happened in rooms that
   * they have to do with, and what made a room theirs. After two seconds in any case.
   */
  settledFor(reader: AwaitingReader): Promise<void> {
    const { userId } = reader;
    return this.#settled(
      (id, { users }) => users === undefined || users.has(userId) || id === userId || reader.isIn(id),
    );
  }

  async #settled(concerns: Concerns): Promise<void> {
    if (this.#complete && this.#wanted(concerns).length === 0) return;
    const done = new AbortController();
    const late = sleep(LONGEST_WAIT_MS, true, { signal: done.signal }).catch(() => false);
    await Promise.race([this.#settle(concerns, late), late]);
    done.abort();
  }

  async #settle(concerns: Concerns, late: Promise<boolean>): Promise<void> {
    for (let losses = -1; losses !== this.#losses; ) {
      losses = this.#losses;
      // Owners who do not answer keep nobody from reading what there is.
      if (!this.#complete && !(await this.#looks.run().catch(() => false))) return;
      await this.#read(concerns, late);
    }
  }

  async #look(): Promise<true> {
    const losses = this.#losses;
    const { heard } = this.owners;
    const unread = await this.owners.unread();
    if (losses !== this.#losses) return true;
    for (const announcement of unread) this.announce(announcement);
    this.#complete = heard;
    return true;
  }

  async #read(concerns: Concerns, late: Promise<boolean>): Promise<void> {
    const wanted = this.#wanted(concerns);
    if (wanted.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      const read = ([id, { seq }]: Wanted) => !this.#pending.has(id) || (this.#known.get(id) ?? 0) >= seq;
      if (wanted.every(read)) resolve();
    };
    this.#waiting.add(check);
    await Promise.race([promise, late.then((tooLate) => tooLate && this.#giveUp(wanted))]);
    this.#waiting.delete(check);
  }

  #wanted(concerns: Concerns): Wanted[] {
    return [...this.#pending].filter(([id, pending]) => concerns(id, pending));
  }

  /** Nobody else should wait for what did not come in time. */
  #giveUp(wanted: readonly Wanted[]): void {
    for (const [id, { seq }] of wanted) if (this.#pending.get(id)?.seq === seq) this.#pending.delete(id);
  }

  #reached(id: string, seq: number): void {
    this.#known.set(id, Math.max(seq, this.#known.get(id) ?? 0));
    const announced = this.#pending.get(id);
    if (announced !== undefined && announced.seq <= seq) this.#pending.delete(id);
  }
}

type Wanted = readonly [id: string, pending: Pending];

/** Whom what is pending concerns, when more is announced. */
function together(before: Pending | undefined, users: Announcement['users']): Pending['users'] {
  if (users === undefined || (before !== undefined && before.users === undefined)) return undefined;
  return new Set([...(before?.users ?? []), ...users]);
}
