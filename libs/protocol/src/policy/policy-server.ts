import type { Pdu } from '../events/pdu.js';
import { isValidServerName } from '../identifiers/server-name.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { decodeBase64 } from '../signing/base64.js';
import { verifyEventSignature } from '../signing/verify-event.js';

/** A server that is to recommend what is sent to a room, and the key by which it does. */
export interface PolicyServer {
  readonly serverName: string;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
}

const POLICY = 'm.room.policy';
const KEY_ID = 'ed25519:policy_server';
const KEY_BYTES = 32;

/**
 * The policy server that a room names; undefined when it names none. It counts while it has a user in the room.
 *
 * @param content of the m.room.policy event with an empty state key
 * @see https://spec.matrix.org/v1.19/server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room
 */
export function policyServerOf(content: JsonObject | undefined): PolicyServer | undefined {
  const { via, public_keys: keys } = content ?? {};
  const key = isJsonObject(keys) ? keys.ed25519 : undefined;
  if (typeof via !== 'string' || !isValidServerName(via) || typeof key !== 'string') return undefined;
  const publicKey = decodeOrNone(key);
  return publicKey?.length === KEY_BYTES ? { serverName: via, publicKey } : undefined;
}

/**
 * Whether an event has the recommendation that it needs where a policy server is asked for one. The event that names the server needs none.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures
 */
export function isRecommended(pdu: Pdu, rules: RoomVersionRules, { serverName, publicKey }: PolicyServer): boolean {
  if (pdu.type === POLICY && pdu.state_key === '') return true;
  return verifyEventSignature(pdu, rules, serverName, KEY_ID, publicKey);
}

/**
 * The event with the signature that a policy server has answered with, beside those that it has; undefined when that is none, or not
 * a signature of this event.
 *
 * @param answer of POST /_matrix/policy/v1/sign
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign
 */
export function withRecommendation(
  pdu: Pdu,
  rules: RoomVersionRules,
  server: PolicyServer,
  answer: JsonValue,
): Pdu | undefined {
  const own = isJsonObject(answer) ? answer[server.serverName] : undefined;
  const signature = isJsonObject(own) ? own[KEY_ID] : undefined;
  if (typeof signature !== 'string') return undefined;
  const others = pdu.signatures[server.serverName];
  const signatures = { ...pdu.signatures, [server.serverName]: { ...others, [KEY_ID]: signature } };
  const signed = copyNumberLiterals(pdu, { ...pdu, signatures });
  return isRecommended(signed, rules, server) ? signed : undefined;
}

function decodeOrNone(key: string): Uint8Array | undefined {
  try {
    return decodeBase64(key);
  } catch {
    return undefined;
  }
}
