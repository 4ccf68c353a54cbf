import type { MatrixUser } from './matrix-user.js';
import { type ClientEvent, SyncReader } from './sync-reader.js';

type Content = Readonly<Record<string, unknown>>;

/** Somebody who reads along all the time, from one run of their server to the next, and keeps each event as often as it came. */
export class Attendant {
  readonly #readers: SyncReader[] = [];
  #ending = new AbortController();
  #following: Promise<void> = Promise.resolve();

  constructor(private current: MatrixUser) {}

  get user(): MatrixUser {
    return this.current;
  }

  get userId(): string {
    return this.current.userId;
  }

  /** Reads on from where it was, be it elsewhere, and knows by then what has happened so far. */
  async begin(url = this.current.url): Promise<void> {
    this.current = this.current.at(url);
    const reader = new SyncReader(this.current);
    reader.since = this.#readers.at(-1)?.since;
    this.#readers.push(reader);
    this.#ending = new AbortController();
    if (reader.since === undefined) await reader.read();
    this.#following = reader.follow(this.#ending.signal);
    this.#following.catch(() => {});
  }

  /** @throws what reading has failed with */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }

  timeline(roomId: string): readonly ClientEvent[] {
    return this.#readers.flatMap((reader) => reader.timeline(roomId));
  }

  /** The ids of all events, as often as they came. */
  saw(roomId: string): string[] {
    return this.timeline(roomId).map(({ event_id }) => event_id);
  }

  /** What people have said, as often as it came. */
  heard(roomId: string): string[] {
    const messages = this.timeline(roomId).filter(({ type }) => type === 'm.room.message');
    return messages.map(({ content }) => String(content.body));
  }

  async putState(roomId: string, type: string, content: Content, stateKey = ''): Promise<void> {
    const path = [roomId, 'state', type, stateKey].map(encodeURIComponent).join('/');
    await this.current.call('PUT', `rooms/${path}`, { body: content });
  }

  getState(roomId: string, type: string, stateKey = ''): Promise<Content> {
    const path = [roomId, 'state', type, stateKey].map(encodeURIComponent).join('/');
    return this.current.call('GET', `rooms/${path}`);
  }
}
