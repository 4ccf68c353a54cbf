import { randomUUID } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import { MembershipAction } from '@ganglion/contracts/room';
import { domainOf, isValidUserId, type JsonObject } from '@ganglion/protocol';
import { checkAdmin } from './administrators.js';
import { invalidParam, notFound } from './failures.js';
import type { LocalServers } from './local-servers.js';
import { type NoticeRoomLooks, noticeRoomEvents } from './notice-room.js';
import type { AccountStore, NoticeRoomStore, NoticeRooms, ProfileStore, Requester } from './ports.js';
import type { Tags } from './tags.js';

export interface ServerNoticesSettings extends NoticeRoomLooks {
  readonly localpart: string;
  readonly roomVersion: string;
}

/** What an administrator has to say to a user. */
export interface Notice {
  readonly userId: string;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  /** The same for each attempt of one request. */
  readonly txnId: string | undefined;
}

const TAG = 'm.server_notice';
const IS_THERE = new Set<unknown>(['join', 'invite']);

/**
 * What the server says to single users, each in a room that is theirs for good.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-notices
 */
export class ServerNotices {
  constructor(
    private readonly settings: ServerNoticesSettings | undefined,
    private readonly accounts: AccountStore,
    private readonly profiles: ProfileStore,
    private readonly store: NoticeRoomStore,
    private readonly tags: Tags,
    private readonly servers: LocalServers,
    private readonly ports: NoticeRooms | undefined,
  ) {}

  /**
   * Sends a notice; who is not in the room (any more) is invited to it. Whoever dies in between leaves a room without a notice, at
   * most, into which the next one goes. The id of the event.
   *
   * @throws MatrixError M_FORBIDDEN for who is no administrator, M_UNKNOWN where there are no notices, M_INVALID_PARAM for a user
   * of another server, M_NOT_FOUND
   */
  async send(requester: Requester, notice: Notice): Promise<string> {
    checkAdmin(requester);
    const { settings, ports } = this;
    if (settings === undefined || ports === undefined) {
      throw new MatrixError(400, 'M_UNKNOWN', 'Server notices are switched off: server_notices is not configured');
    }
    const { userId, type, stateKey, content, txnId } = notice;
    await this.#checkUser(userId);
    const sender = `@${settings.localpart}:${domainOf(userId)}`;
    const roomId = (await this.store.find(userId)) ?? (await this.#createRoom(settings, ports, userId, sender));
    await this.#tag(userId, roomId);
    await this.#invite(ports, { roomId, sender, userId });
    const transaction = txnId === undefined ? undefined : transactionOf(sender, requester, txnId);
    const event = { type, stateKey, contentJson: JSON.stringify(content) };
    return (await ports.rooms.sendEvent({ roomId, sender, event, transaction })).eventId;
  }

  async #checkUser(userId: string): Promise<void> {
    if (!isValidUserId(userId)) throw invalidParam(`${userId} is not a user id`);
    if (!this.servers.has(domainOf(userId))) throw invalidParam(`${userId} is a user of another server`);
    const account = await this.accounts.find([userId]);
    if (account === undefined || account.deactivated) throw notFound('There is no such user');
  }

  /** Of rooms that several replicas make at once one is kept, and nobody is invited to the others. */
  async #createRoom(settings: ServerNoticesSettings, { rooms }: NoticeRooms, userId: string, sender: string) {
    const { roomVersion } = settings;
    const events = noticeRoomEvents(settings, sender, roomVersion).map(({ content, ...event }) => ({
      ...event,
      contentJson: JSON.stringify(content),
    }));
    const room = { roomVersion, creator: sender, published: false, events };
    const { roomId } = await rooms.createRoom(room);
    const kept = await this.store.keep(userId, roomId);
    if (kept !== roomId) {
      const leave = { roomId, sender, target: sender, action: MembershipAction.LEAVE, contentJson: '{}' };
      await rooms.changeMembership({ ...leave, requestId: randomUUID() });
    }
    return kept;
  }

  async #tag(userId: string, roomId: string): Promise<void> {
    const owner = { userId, deviceId: '', guest: false, admin: false };
    if (Object.hasOwn(await this.tags.list(owner, { userId, roomId }), TAG)) return;
    await this.tags.set(owner, { userId, roomId }, TAG, {});
  }

  async #invite(ports: NoticeRooms, room: { roomId: string; sender: string; userId: string }): Promise<void> {
    const { roomId, sender, userId } = room;
    const asked = { roomId, userId: sender, type: 'm.room.member', stateKey: userId };
    const { events } = await ports.roomReads.getState(asked);
    const member = events[0] && (JSON.parse(events[0].pduJson) as { content: JsonObject });
    if (IS_THERE.has(member?.content.membership)) return;
    const profile = await this.profiles.get(userId);
    const shown = ['displayname', 'avatar_url'].flatMap((name) => {
      const value = profile?.get(name);
      return value === undefined ? [] : [[name, JSON.parse(value)]];
    });
    const contentJson = JSON.stringify(Object.fromEntries(shown));
    const invite = { roomId, sender, target: userId, action: MembershipAction.INVITE, contentJson };
    await ports.rooms.changeMembership({ ...invite, requestId: randomUUID() });
  }
}

/** No device shows it as its own echo. */
function transactionOf(sender: string, { userId }: Requester, txnId: string) {
  return { userId: sender, deviceId: '', scope: `notice of ${userId}`, txnId };
}
