import './idle-timers.js';
import { eventually, PASSWORD } from '@ganglion/testing';
import {
  ClientEvent,
  createClient,
  Direction,
  type EventTimeline,
  type ICreateClientOpts,
  type MatrixClient,
  type MatrixEvent,
  PendingEventOrdering,
  type Room,
  SyncState,
} from 'matrix-js-sdk';
import type { CryptoCallbacks } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { contractFetch } from './contract.js';

interface Session {
  readonly user_id: string;
  readonly access_token?: string;
  readonly device_id?: string;
}

const SCREENFUL = 20;

/** Somebody with an app that is built on matrix-js-sdk. */
export class AppUser {
  /** What opens the secrets that the user keeps at their homeserver. */
  recoveryKey: Uint8Array<ArrayBuffer> | undefined;
  readonly client: MatrixClient;

  private constructor(options: ICreateClientOpts) {
    const getSecretStorageKey: CryptoCallbacks['getSecretStorageKey'] = async ({ keys }) => {
      const [id] = Object.keys(keys);
      return id === undefined || this.recoveryKey === undefined ? null : [id, this.recoveryKey];
    };
    this.client = createClient({
      ...options,
      fetchFn: contractFetch,
      timelineSupport: true,
      cryptoCallbacks: { getSecretStorageKey },
    });
  }

  /** Makes an account as apps do: asks what registration takes, then does it. */
  static async register(baseUrl: string, username: string): Promise<AppUser> {
    const anonymous = createClient({ baseUrl, fetchFn: contractFetch });
    const request = { username, password: PASSWORD };
    const stages = await anonymous.registerRequest(request).catch((error) => error.data);
    expect(stages.flows).toContainEqual({ stages: ['m.login.dummy'] });
    const auth = { type: 'm.login.dummy', session: stages.session };
    return AppUser.#withSession(baseUrl, await anonymous.registerRequest({ ...request, auth }));
  }

  /** Logs in on another device. */
  static async logIn(baseUrl: string, user: string): Promise<AppUser> {
    const anonymous = createClient({ baseUrl, fetchFn: contractFetch });
    const identifier = { type: 'm.id.user', user };
    const session = await anonymous.loginRequest({ type: 'm.login.password', identifier, password: PASSWORD });
    return AppUser.#withSession(baseUrl, session);
  }

  static #withSession(baseUrl: string, { user_id: userId, access_token, device_id }: Session): AppUser {
    const credentials = { userId, accessToken: access_token ?? '', deviceId: device_id ?? '' };
    return new AppUser({ baseUrl, ...credentials });
  }

  get userId(): string {
    return this.client.getSafeUserId();
  }

  /** Opens the app: resolves when it shows its rooms. Unless it is told otherwise it gets to know members when they speak. */
  async open({ lazyLoadMembers = true } = {}): Promise<this> {
    const ready = new Promise<void>((resolve) => {
      this.client.on(ClientEvent.Sync, (state) => {
        if (state === SyncState.Prepared) resolve();
      });
    });
    await this.client.startClient({
      initialSyncLimit: SCREENFUL,
      lazyLoadMembers,
      pendingEventOrdering: PendingEventOrdering.Detached,
    });
    await ready;
    return this;
  }

  /** Opens an app that encrypts. */
  async openEncrypted(options?: Parameters<AppUser['open']>[0]): Promise<this> {
    await this.client.initRustCrypto({ useIndexedDB: false });
    return this.open(options);
  }

  close(): void {
    this.client.stopClient();
    this.client.removeAllListeners();
  }

  /** A room that the app knows of. */
  room(roomId: string): Room {
    const room = this.client.getRoom(roomId);
    if (room === null) throw new Error(`${this.userId} does not see ${roomId}`);
    return room;
  }

  /** Resolves when the app shows a membership of its user in a room. */
  async sees(membership: string, roomId: string): Promise<void> {
    await eventually(() => expect(this.client.getRoom(roomId)?.getMyMembership()).toBe(membership));
  }

  /** The events that the homeserver has sent, oldest first. */
  events(roomId: string): MatrixEvent[] {
    return this.#timelines(roomId).flatMap((timeline) => timeline.getEvents());
  }

  /** The messages on the screen, as they are shown: edited ones with their new text, redacted ones without any. */
  texts(roomId: string): string[] {
    const messages = this.events(roomId).filter((event) => event.getType() === 'm.room.message');
    return messages.filter((event) => !event.isRelation('m.replace')).map((event) => event.getContent().body ?? '');
  }

  /** Resolves with a message when the app shows it. */
  async message(roomId: string, text: string | RegExp): Promise<MatrixEvent> {
    return eventually(() => {
      const found = this.events(roomId).find((event) => fits(event.getContent().body, text));
      if (found === undefined) throw new Error(`${this.userId} does not see '${text}' but ${this.texts(roomId)}`);
      return found;
    });
  }

  /** Sends a message; resolves with its id. */
  async say(roomId: string, text: string): Promise<string> {
    const { event_id } = await this.client.sendTextMessage(roomId, text);
    return event_id;
  }

  /** Scrolls up until there is no more. */
  async scrollToTheTop(roomId: string): Promise<void> {
    for (;;) {
      const [oldest] = this.#timelines(roomId);
      if (!oldest?.getPaginationToken(Direction.Backward)) return;
      await this.client.paginateEventTimeline(oldest, { backwards: true, limit: SCREENFUL });
    }
  }

  /** What is known of a room without a gap: the live timeline, and those that were found to lie before it. */
  #timelines(roomId: string): EventTimeline[] {
    const timelines: EventTimeline[] = [];
    let timeline: EventTimeline | null = this.room(roomId).getLiveTimeline();
    for (; timeline !== null; timeline = timeline.getNeighbouringTimeline(Direction.Backward))
      timelines.unshift(timeline);
    return timelines;
  }
}

function fits(body: unknown, text: string | RegExp): boolean {
  return typeof text === 'string' ? body === text : typeof body === 'string' && text.test(body);
}
