export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

/** What /sync says of one room that the user is in. */
export interface JoinedRoom {
  readonly timeline: { readonly events: readonly { readonly event_id: string; readonly type: string }[] };
  // biome-ignore lint/suspicious/noExplicitAny: tests look into contents of any shape
  readonly ephemeral: { readonly events: readonly { readonly type: string; readonly content: any }[] };
  readonly account_data: { readonly events: readonly { readonly type: string; readonly content: unknown }[] };
  readonly unread_notifications?: { readonly notification_count: number; readonly highlight_count: number };
  readonly unread_thread_notifications?: Readonly<Record<string, object>>;
}

export interface SyncOptions {
  readonly timeout?: number;
  /** A filter, or the id of a stored one. */
  readonly filter?: object | string;
  readonly fullState?: boolean;
  readonly stateAfter?: boolean;
}

/** Somebody with one device, who follows /sync from token to token. */
export class Person {
  since: string | undefined;

  constructor(
    readonly userId: string,
    private readonly url: string,
    private readonly deviceId = 'DEVICE',
  ) {}

  /** The same person with another device, or at another replica; they have not synced yet. */
  with({ url = this.url, deviceId = this.deviceId }: { url?: string; deviceId?: string }): Person {
    return new Person(this.userId, url, deviceId);
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.url}/_matrix/client/v3/${path}`, {
      method,
      headers: { authorization: `Bearer ${encodeURIComponent(`${this.userId} ${this.deviceId}`)}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** One /sync; the next one goes on from its token. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  async sync({ timeout = 0, filter, fullState, stateAfter }: SyncOptions = {}): Promise<any> {
    const query = new URLSearchParams({
      timeout: String(timeout),
      ...(this.since !== undefined && { since: this.since }),
      ...(filter !== undefined && { filter: typeof filter === 'string' ? filter : JSON.stringify(filter) }),
      ...(fullState !== undefined && { full_state: String(fullState) }),
      ...(stateAfter !== undefined && { use_state_after: String(stateAfter) }),
    });
    const { status, body } = await this.call('GET', `sync?${query}`);
    if (status !== 200) throw new Error(`/sync answers ${status} ${JSON.stringify(body)}`);
    this.since = body.next_batch;
    return body;
  }

  async room(roomId: string, options?: SyncOptions): Promise<JoinedRoom | undefined> {
    return (await this.sync(options)).rooms?.join?.[roomId];
  }

  /** Syncs on until a room is as it should be; what else comes is passed over. */
  async roomUntil(roomId: string, done: (room: JoinedRoom) => boolean, options: SyncOptions = {}): Promise<JoinedRoom> {
    const deadline = Date.now() + 25_000;
    const seen: unknown[] = [];
    while (Date.now() < deadline) {
      const room = await this.room(roomId, { timeout: 1_000, ...options });
      if (room !== undefined && done(room)) return room;
      seen.push(room);
    }
    throw new Error(`the room did not become as expected: ${JSON.stringify(seen.filter(Boolean).slice(-3))}`);
  }

  /** Syncs until an event has come. */
  async sees(roomId: string, eventId: string): Promise<JoinedRoom> {
    return this.roomUntil(roomId, ({ timeline }) => timeline.events.some((event) => event.event_id === eventId));
  }

  read(roomId: string, eventId: string, threadId?: string, type = 'm.read'): Promise<Answer> {
    const path = `rooms/${encodeURIComponent(roomId)}/receipt/${type}/${encodeURIComponent(eventId)}`;
    return this.call('POST', path, threadId === undefined ? {} : { thread_id: threadId });
  }

  types(roomId: string, typing: boolean, timeout?: number): Promise<Answer> {
    const path = `rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(this.userId)}`;
    return this.call('PUT', path, { typing, ...(timeout !== undefined && { timeout }) });
  }
}
