import { isJsonObject, isValidEventId, isValidUserId, type JsonObject } from '@ganglion/protocol';
import { z } from 'zod';

const noNul = (text: string) => !text.includes('\0') && text.isWellFormed();
/** Ids and names, none of which may be longer. */
const name = z.string().min(1).max(255).refine(noNul, 'cannot be kept');
const userId = name.refine((text) => isValidUserId(text), 'is not a user id');
const timestamp = z.int().nonnegative();

/** @see https://spec.matrix.org/v1.19/server-server-api/#definition-edu */
export const edu = z.object({ edu_type: name, content: z.looseObject({}) });

/** @see https://spec.matrix.org/v1.19/server-server-api/#definition-mtyping */
export const typing = z.object({ room_id: name, user_id: userId, typing: z.boolean() });

/** The id of the event that a thread begins with, in whichever room version. */
const threadId = name.refine((text) => text === 'main' || isValidEventId(text), 'is no thread');

const receiptsOfUser = z.object({
  data: z.object({ ts: timestamp, thread_id: threadId.optional() }),
  event_ids: z.array(name).min(1).max(100),
});

/**
 * By room, then by type, then by user; what is malformed is left out, and nothing else for it. Other types are none of ours.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#definition-mreceipt
 */
export const receipts = z.record(z.string(), z.unknown()).transform((rooms) =>
  Object.entries(rooms).flatMap(([roomId, types]) => {
    const users = z.object({ 'm.read': z.record(z.string(), z.unknown()) }).safeParse(types).data?.['m.read'] ?? {};
    return Object.entries(users).flatMap(([reader, value]) => {
      const parsed = z
        .object({ roomId: name, reader: userId, value: receiptsOfUser })
        .safeParse({ roomId, reader, value });
      if (!parsed.success) return [];
      const { data, event_ids } = parsed.data.value;
      return event_ids.map((eventId) => {
        return { roomId, userId: reader, eventId, threadId: data.thread_id ?? '', ts: data.ts };
      });
    });
  }),
);

/** More of a user's keys is not looked at: they are asked for when they are needed. */
export const changedKeys = z.object({
  user_id: userId,
  prev_id: z.array(z.unknown()).optional().catch(undefined),
  keys: z.unknown().optional(),
  deleted: z.unknown().optional(),
});

/** More of a server's users in one EDU are left out. */
const MAX_PRESENCE = 1_000;

const presenceOfUser = z.object({
  user_id: userId,
  presence: z.enum(['online', 'unavailable', 'offline']),
  last_active_ago: timestamp.catch(0),
  // A message that is too long is none, and no reason to leave its user out.
  status_msg: z.string().max(1_024).refine(noNul, 'cannot be kept').optional().catch(undefined),
});

/**
 * What is malformed is left out, and nothing else for it.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#definition-mpresence
 */
export const presence = z.object({ push: z.array(z.unknown()) }).transform(({ push }) =>
  push.slice(0, MAX_PRESENCE).flatMap((each) => {
    const { data } = presenceOfUser.safeParse(each);
    if (data === undefined) return [];
    const { user_id, presence: state, last_active_ago, status_msg } = data;
    return [{ userId: user_id, presence: state, statusMsg: status_msg, lastActiveAgoMs: last_active_ago }];
  }),
);

/** Contents by user and device. */
export type DeviceMessages = Record<string, Record<string, JsonObject>>;

/**
 * What of the messages is malformed is left out and counted, and nothing else for it: a message that is lost may be one that nobody can read
 * without. A user with a malformed id, or without an object of devices, counts once.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#definition-mdirect_to_device
 */
export const directToDevice = z
  .object({ sender: userId, type: name, message_id: name, messages: z.record(z.string(), z.unknown()) })
  .transform(({ sender, type, message_id: messageId, messages: given }) => {
    const messages: DeviceMessages = Object.create(null);
    let malformed = 0;
    for (const [target, ofUser] of Object.entries(given)) {
      if (!userId.safeParse(target).success || !isJsonObject(ofUser)) {
        malformed += 1;
        continue;
      }
      const contents = Object.entries(ofUser);
      const right = contents.filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]));
      malformed += contents.length - right.length;
      messages[target] = Object.fromEntries(right);
    }
    return { sender, type, messageId, messages, malformed };
  });
