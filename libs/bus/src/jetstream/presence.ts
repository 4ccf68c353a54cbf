import type { Msg, Subscription } from '@nats-io/transport-node';
import type { Connection } from './connection.js';

/** What each member says every second. */
interface Announcement {
  readonly id: string;
  readonly shards: readonly number[];
  readonly leaving: boolean;
}

interface Member {
  readonly shards: readonly number[];
  readonly heardAt: number;
}

const BEAT_MS = 1_000;
/** A member that was heard before may be busy, or on its way back to the server. */
const GONE_AFTER_MS = 3_500;
/** Members answer a newcomer at once. */
const ABSENT_AFTER_MS = 1_500;

/** Which processes read a durable together. */
export class Presence {
  readonly #connection: Connection;
  readonly #subject: string;
  readonly #id: string;
  readonly #shards: () => readonly number[];
  readonly #changed: () => void;
  readonly #members = new Map<string, Member>();
  readonly #forgive = () => this.#startOver();
  #subscription: Subscription | undefined;
  #beat: NodeJS.Timeout | undefined;
  #observingSince = performance.now();

  constructor(
    connection: Connection,
    subject: string,
    id: string,
    shards: () => readonly number[],
    changed: () => void,
  ) {
    this.#connection = connection;
    this.#subject = subject;
    this.#id = id;
    this.#shards = shards;
    this.#changed = changed;
  }

  start(): void {
    this.#startOver();
    const callback = (error: Error | null, message: Msg) => {
      const announcement = error ? undefined : readAnnouncement(message);
      if (announcement) this.#hear(announcement);
    };
    this.#subscription = this.#connection.nc.subscribe(this.#subject, { callback });
    this.#connection.on('up', this.#forgive);
    this.#beat = setInterval(() => this.#tick(), BEAT_MS);
    this.announce();
  }

  stop(): void {
    clearInterval(this.#beat);
    this.#connection.off('up', this.#forgive);
    if (this.#connection.nc.isClosed()) return;
    this.#subscription?.unsubscribe();
    this.#say(true);
  }

  announce(): void {
    this.#say(false);
  }

  /** Those that were heard lately, and this one. */
  get members(): string[] {
    return [this.#id, ...this.#members.keys()];
  }

  /** The other member, if any, that says it reads the shard. */
  readerOf(shard: number): string | undefined {
    for (const [id, { shards }] of this.#members) if (shards.includes(shard)) return id;
    return undefined;
  }

  /** Whether the member would have been heard if it were alive. */
  isGone(id: string): boolean {
    return id !== this.#id && !this.#members.has(id) && performance.now() - this.#observingSince > ABSENT_AFTER_MS;
  }

  /** While the connection was down nobody could be heard, so nobody is to blame for silence. */
  #startOver(): void {
    const now = performance.now();
    this.#observingSince = now;
    for (const [id, { shards }] of this.#members) this.#members.set(id, { shards, heardAt: now });
  }

  #say(leaving: boolean): void {
    if (!this.#connection.connected) return;
    const announcement: Announcement = { id: this.#id, shards: this.#shards(), leaving };
    this.#connection.nc.publish(this.#subject, JSON.stringify(announcement));
  }

  #hear({ id, shards, leaving }: Announcement): void {
    if (id === this.#id) return;
    const before = this.#members.get(id);
    if (leaving) this.#members.delete(id);
    else this.#members.set(id, { shards, heardAt: performance.now() });
    // A newcomer knows nobody yet.
    if (!before && !leaving) this.announce();
    if (leaving || before?.shards.join() !== shards.join()) this.#changed();
  }

  #tick(): void {
    this.announce();
    const silentSince = performance.now() - GONE_AFTER_MS;
    for (const [id, { heardAt }] of this.#members) if (heardAt < silentSince) this.#members.delete(id);
    this.#changed();
  }
}

/** Undefined when something else speaks on the subject. */
function readAnnouncement(message: Msg): Announcement | undefined {
  try {
    const { id, shards, leaving } = message.json<Partial<Announcement>>();
    return typeof id === 'string' && Array.isArray(shards) ? { id, shards, leaving: leaving === true } : undefined;
  } catch {
    return undefined;
  }
}
