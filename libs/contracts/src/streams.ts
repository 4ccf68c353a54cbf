import { type Codec, jsonCodec, type StreamDefinition, type Topic } from '@ganglion/bus';
import { KeyChange, KeyCountsChanged } from './gen/ganglion/keys/v1/keys.js';
import { RoomEvents } from './gen/ganglion/room/v1/rooms.js';
import { TokensRevoked, UserChanges } from './gen/ganglion/user/v1/users.js';

const DAY_MS = 24 * 60 * 60 * 1000;

interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function protobufCodec<T>(type: MessageType<T>): Codec<T> {
  return { encode: (message) => type.encode(message).finish(), decode: (bytes) => type.decode(bytes) };
}

/** Every committed event, in the order of its room; keyed by room id. Published by room-server. */
export const ROOM_EVENTS: StreamDefinition<RoomEvents> = {
  name: 'room-events',
  shards: 8,
  codec: protobufCodec(RoomEvents),
  maxAgeMs: 2 * DAY_MS,
};

/** What changed of users' own data, in each user's order; keyed by user id. Published by user-server. */
export const USER_CHANGES: StreamDefinition<UserChanges> = {
  name: 'user-changes',
  shards: 4,
  codec: protobufCodec(UserChanges),
  maxAgeMs: 2 * DAY_MS,
};

/** Whose keys changed, in each user's order; keyed by user id. Published by key-server. */
export const KEY_CHANGES: StreamDefinition<KeyChange> = {
  name: 'key-changes',
  shards: 4,
  codec: protobufCodec(KeyChange),
  maxAgeMs: 2 * DAY_MS,
};

/** That devices have more or fewer keys left than before. Broadcast by key-server to whoever tells devices how many. */
export const KEY_COUNTS_CHANGED: Topic<KeyCountsChanged> = {
  name: 'key-counts-changed',
  codec: protobufCodec(KeyCountsChanged),
};

/** That the log of keys has grown. Broadcast by key-server to the sender: a hint only. */
export const KEY_LOG_GREW: Topic<Record<string, never>> = { name: 'key-log-grew', codec: jsonCodec(() => ({})) };

/**
 * Access tokens that ended before their time. Broadcast by user-server to every cache of tokens; its own process refuses them from
 * the answer of the request on that ended them.
 */
export const TOKENS_REVOKED: Topic<TokensRevoked> = {
  name: 'tokens-revoked',
  codec: protobufCodec(TokensRevoked),
  hereAtOnce: true,
};

/** That a room or user has reached a sequence number: readers of their own writes wait until it can be read. */
export interface Announcement {
  /** A room id or a user id. */
  readonly id: string;
  /** room_seq or user_seq. */
  readonly seq: number;
  /**
   * Of a room: who wrote what was committed, and whose membership changed, so that a room that somebody has just come into is
   * known to be one of theirs. Undefined where nobody says, and where it would be too many.
   */
  readonly users?: readonly string[] | undefined;
}

function parseAnnouncement(input: unknown): Announcement {
  const { id, seq, users } = input as Partial<Announcement>;
  if (typeof id !== 'string' || typeof seq !== 'number') throw new TypeError('not an announcement');
  if (users === undefined) return { id, seq };
  if (!Array.isArray(users) || users.some((user) => typeof user !== 'string'))
    throw new TypeError('not a list of users');
  return { id, seq, users };
}

/** Each commit, broadcast before its client is answered: a hint only, for whoever reads right after writing. */
export const ANNOUNCEMENTS: Topic<Announcement> = { name: 'announcements', codec: jsonCodec(parseAnnouncement) };

/** That messages wait for devices of other servers' users. Broadcast by sync to the sender: a hint only. */
export const DEVICE_MESSAGES_LEAVING: Topic<Record<string, never>> = {
  name: 'device-messages-leaving',
  codec: jsonCodec(() => ({})),
};

/** What users of ours have read, and told everybody so. */
export interface LocalReceipt {
  readonly roomId: string;
  readonly userId: string;
  readonly eventId: string;
  /** Empty for a receipt for all of the room. */
  readonly threadId: string;
  /** Milliseconds since the epoch. */
  readonly ts: number;
}

/** That a user of ours types in a room. */
export interface LocalTyping {
  readonly roomId: string;
  readonly userId: string;
  /** 0 when they have stopped. */
  readonly timeoutMs: number;
}

/** How reachable a user of ours is. */
export interface LocalPresence {
  readonly userId: string;
  readonly presence: 'online' | 'unavailable' | 'offline';
  readonly statusMsg?: string | undefined;
  /** When they did something last, in milliseconds since the epoch; 0 when that is not known. */
  readonly lastActiveTs: number;
}

export interface LocalEphemera {
  readonly receipts: readonly LocalReceipt[];
  readonly typing: readonly LocalTyping[];
  readonly presence: readonly LocalPresence[];
}

/**
 * What our users read and type, and how reachable they are, for those of their rooms that other servers are in. Broadcast by sync to
 * the sender; it may be lost.
 */
export const LOCAL_EPHEMERA: Topic<LocalEphemera> = {
  name: 'local-ephemera',
  codec: jsonCodec((input) => ({ receipts: [], typing: [], presence: [], ...(input as Partial<LocalEphemera>) })),
};
