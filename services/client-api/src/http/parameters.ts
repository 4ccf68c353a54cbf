import {
  roomAlias as anyRoomAlias,
  eventId,
  jsonObject,
  orAbsent,
  orElse,
  roomId,
  text,
  userId,
} from '@ganglion/http/values';
import { isValidServerName } from '@ganglion/protocol';
import { z } from 'zod';

const roomAlias = anyRoomAlias.refine(
  (alias) => !alias.startsWith('#:'),
  'is a room alias without a name before the colon',
);
const eventType = text.min(1, 'must not be empty');
const txnId = text.min(1, 'must not be empty').max(255, 'is too long');

export const roomPath = z.object({ roomId });
export const aliasPath = z.object({ roomAlias });
export const roomIdOrAliasPath = z.object({
  roomIdOrAlias: z.union([roomId, roomAlias], 'is neither a room id nor an alias'),
});
export const sendOncePath = roomPath.extend({ eventType });
export const sendPath = roomPath.extend({ eventType, txnId });
export const redactPath = roomPath.extend({ eventId, txnId });
export const purgePath = z.object({ purgeId: text });
export const purgeBeforePath = roomPath.extend({ eventId });
export const purgeBody = z
  .object({
    delete_local_events: orElse(z.boolean(), false),
    purge_up_to_event_id: orAbsent(eventId),
    purge_up_to_ts: orAbsent(z.int().min(0)),
  })
  .prefault({});
export const blockBody = z.object({ block: z.boolean() });
export const statePath = roomPath.extend({ eventType, stateKey: text.default('') });

const MAX_VIA = 50;
const serverNames = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((names) => [names].flat().filter(isValidServerName).slice(0, MAX_VIA));
/** Servers by way of which a room may be entered, by their name of today and by that of before. */
export const viaQuery = z
  .object({ via: serverNames, server_name: serverNames })
  .transform(({ via, server_name }) => (via.length > 0 ? via : server_name));

/** Part of an event's content, which may be any text. */
export const reason = orAbsent(z.string());
export const reasonBody = z.object({ reason }).prefault({});

/** Identity servers sign once: each more costs a look at it with each key of the invite. */
const MOST_SIGNATURES = 4;
const signatures = jsonObject.refine(
  (entities) => Object.values(entities).flatMap((byKeyId) => Object.keys(byKeyId ?? {})).length <= MOST_SIGNATURES,
  `must hold at most ${MOST_SIGNATURES} signatures`,
);
/** Signed as a whole: what else stands in it stays. */
const signedInvite = z.looseObject({ sender: userId, mxid: userId, token: text.max(255), signatures });
/** Further keys become part of the member event. */
export const joinBody = z.looseObject({ reason, third_party_signed: orAbsent(signedInvite) }).prefault({});
export const targetBody = z.object({ user_id: userId, reason });

/** What a header can hold. */
const accessToken = z.string().regex(/^[\x21-\x7e]{1,4096}$/, 'this cannot be an access token');
/** Somebody who is known by an address alone. @see https://spec.matrix.org/v1.19/client-server-api/#thirdparty_post_matrixclientv3roomsroomidinvite */
export const invitedAddress = z
  .object({
    ...{ medium: z.enum(['email', 'msisdn']), address: text.min(1).max(512) },
    ...{ id_server: text, id_access_token: accessToken },
  })
  .transform(({ medium, address, id_server: idServer, id_access_token: idAccessToken }) => {
    return { address: { medium, address }, account: { idServer, idAccessToken } };
  });

/** How much later an event is to be sent, in milliseconds. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
const delayText = text.regex(/^\d{1,15}$/, 'must be a whole number of milliseconds, not negative').transform(Number);
export const delayQuery = z
  .object({ 'org.matrix.msc4140.delay': delayText.optional() })
  .transform((query) => query['org.matrix.msc4140.delay']);
