import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, MatrixUser, persistently, SyncReader } from '@ganglion/testing';

const SENDERS = 20;
const READERS = 20;
const ROOMS = 4;
/** How long a sender is quiet between two messages, on average. */
const PAUSE_MS = 100;
const PATIENCE_MS = 60_000;

/** Twenty who talk and twenty who read along, all of them in the same rooms. */
export class Crowd {
  readonly #acknowledged = new Map<string, string[]>();
  readonly #reading = new AbortController();
  #talking = new AbortController();
  #conversation: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    readonly rooms: readonly string[],
    private readonly senders: readonly MatrixUser[],
    readonly readers: readonly SyncReader[],
  ) {}

  /** Brings them together; from then on the readers read, at `readAt` if it is given. */
  static async gather(url: string, readAt = url): Promise<Crowd> {
    const name = `member-${process.pid}-${Date.now()}`;
    const register = (_: unknown, index: number) => persistently(() => MatrixUser.register(url, `${name}-${index}`));
    const users = await Promise.all(Array.from({ length: SENDERS + READERS }, register));
    const [host] = users as [MatrixUser];
    const room = () => persistently(() => host.createRoom({ preset: 'public_chat' }));
    const rooms = await Promise.all(Array.from({ length: ROOMS }, room));
    const joins = users.slice(1).flatMap((user) => rooms.map((roomId) => persistently(() => user.join(roomId))));
    await Promise.all(joins);
    const readers = users.slice(SENDERS).map((user) => new SyncReader(user.at(readAt)));
    await Promise.all(readers.map((reader) => reader.until(() => rooms.every((id) => reader.timeline(id).length > 0))));
    const crowd = new Crowd(rooms, users.slice(0, SENDERS), readers);
    for (const reader of readers) crowd.#watch(reader.follow(crowd.#reading.signal));
    return crowd;
  }

  /** Every message that was acknowledged in a room. */
  acknowledged(roomId: string): readonly string[] {
    return this.#acknowledged.get(roomId) ?? [];
  }

  /** The messages that a reader has got in a room, in the order in which they came. */
  read(reader: SyncReader, roomId: string): string[] {
    const messages = reader.timeline(roomId).filter(({ type }) => type === 'm.room.message');
    return messages.map(({ event_id }) => event_id);
  }

  /** Has the senders talk while something happens; resolves when every reader has got all that was acknowledged. */
  async talkDuring(happening: () => Promise<void>): Promise<void> {
    this.#talking = new AbortController();
    this.#conversation = Promise.all(this.senders.map((sender, index) => this.#watch(this.#talk(sender, index))));
    try {
      await this.progress();
      await happening();
      await this.progress();
    } finally {
      this.#talking.abort();
      await this.#conversation;
    }
    await this.allIsRead();
  }

  /** Each sender says one thing, and is acknowledged. */
  async sayOneThing(): Promise<void> {
    await Promise.all(this.senders.map((sender, index) => this.#say(sender, index)));
  }

  /** Resolves when every reader has got all that was acknowledged. */
  allIsRead(): Promise<void> {
    return this.#eventually(() => this.#expectAllToHaveRead((roomId) => this.acknowledged(roomId)));
  }

  /** Resolves when so many more messages were acknowledged. */
  async said(messages = SENDERS): Promise<void> {
    const before = this.#count();
    await this.#eventually(() => expect(this.#count()).toBeGreaterThan(before + messages));
  }

  /** Resolves when the conversation has gone on for everybody: senders were answered, and each reader has read of it. */
  async progress(): Promise<void> {
    await this.said();
    const goal = this.rooms.map((roomId) => this.acknowledged(roomId).at(-1));
    await this.#eventually(() => this.#expectAllToHaveRead((_, index) => [goal[index]]));
  }

  async disperse(): Promise<void> {
    this.#talking.abort();
    this.#reading.abort();
    await this.#conversation;
  }

  #expectAllToHaveRead(wanted: (roomId: string, index: number) => readonly (string | undefined)[]): void {
    const behind = this.readers.filter((reader) =>
      this.rooms.some((roomId, index) => {
        const has = new Set(this.read(reader, roomId));
        return wanted(roomId, index).some((eventId) => eventId !== undefined && !has.has(eventId));
      }),
    );
    if (behind.length > 0) throw new Error(`${behind.map(({ user }) => user.userId)} did not get all messages`);
  }

  async #talk(sender: MatrixUser, index: number): Promise<void> {
    for (let said = 0; !this.#talking.signal.aborted; said++) {
      await this.#say(sender, index + said);
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }

  /** Says something until it is acknowledged. */
  async #say(sender: MatrixUser, number: number): Promise<void> {
    const roomId = this.rooms[number % this.rooms.length] as string;
    const txnId = randomUUID();
    const eventId = await persistently(() => sender.sendText(roomId, `${number}`, txnId));
    this.#acknowledged.set(roomId, [...this.acknowledged(roomId), eventId]);
  }

  #count(): number {
    return this.rooms.reduce((sum, roomId) => sum + this.acknowledged(roomId).length, 0);
  }

  async #eventually(expectation: () => void): Promise<void> {
    await eventually(() => {
      if (this.#failure === undefined) expectation();
    }, PATIENCE_MS);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** What somebody fails with ends the wait of all. */
  async #watch(doing: Promise<void>): Promise<void> {
    try {
      await doing;
    } catch (error) {
      this.#failure ??= { error };
    }
  }
}
