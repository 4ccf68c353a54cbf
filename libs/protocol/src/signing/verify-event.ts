import { ProtocolError } from '../errors.js';
import type { Pdu } from '../events/pdu.js';
import { redactEvent } from '../redaction/redact.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { decodeBase64 } from './base64.js';
import { essentialBytes } from './event-hash.js';
import { signatureBy, verifyBytes, verifyJsonSignature } from './json-signature.js';
import { requiredSigners } from './required-signers.js';
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.js';
import { signingKeyIds } from './signing-key-ids.js';
import { isKeyValidAt, type VerifyKeyLookup } from './verify-key.js';

/** Whether an event is signed as it must be; if not, the reason in words, and whether it may be, with a key that is not known. */
export type SignatureVerdict =
  | { readonly signed: true }
  | { readonly signed: false; readonly reason: string; readonly isKeyUnknown?: true | undefined };

/**
 * Checks the signatures of every server that must have signed an event. Signatures with an unknown or expired key are
 * skipped; of the rest each server must have at least one, and all must be valid. Nothing in the event makes this throw.
 *
 * @param essential what the signatures cover, if `examinePdu` has it at hand
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function verifyEventSignatures(
  pdu: Pdu,
  rules: RoomVersionRules,
  keys: VerifyKeyLookup,
  essential?: Uint8Array,
): SignatureVerdict {
  const plan = planChecks({ pdu, rules, essential }, keys);
  return verdictOf(
    plan,
    plan.checks.map((check) => verifyBytes(check.message, check.signature, check.publicKey)),
  );
}

/** An event with the rules of its room. */
export interface EventToVerify {
  readonly pdu: Pdu;
  readonly rules: RoomVersionRules;
  /** What its signatures cover, if `examinePdu` has it at hand. */
  readonly essential?: Uint8Array | undefined;
}

/**
 * As `verifyEventSignatures` for many events, of one room or of several: the verifier gets all their signatures at once.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export async function verifyManyEventSignatures(
  events: readonly EventToVerify[],
  keys: VerifyKeyLookup,
  verifier: SignatureVerifier,
): Promise<SignatureVerdict[]> {
  const plans = events.map((event) => planChecks(event, keys));
  const results = await verifier.verify(plans.flatMap((plan) => plan.checks));
  let next = 0;
  return plans.map((plan) => {
    const from = next;
    next += plan.checks.length;
    return verdictOf(plan, results.slice(from, next));
  });
}

/**
 * True when an event bears a valid signature of this entity with this one key, for signatures that no rule demands: a policy
 * server's, for example.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures
 */
export function verifyEventSignature(
  pdu: Pdu,
  rules: RoomVersionRules,
  entity: string,
  keyId: string,
  publicKey: Uint8Array,
): boolean {
  const essential = redactEvent(pdu, rules);
  return verifyJsonSignature(essential, entity, keyId, publicKey, { strict: rules.strictCanonicalJson });
}

/** What must be checked of an event, or why there is no use in it. */
interface Plan {
  readonly refusal?: string;
  readonly isKeyUnknown?: true | undefined;
  readonly checks: readonly (SignatureCheck & { readonly serverName: string })[];
}

function planChecks(event: EventToVerify, keys: VerifyKeyLookup): Plan {
  try {
    return planFor(requiredSigners(event.pdu, event.rules), event, keys);
  } catch (error) {
    if (error instanceof ProtocolError) return { refusal: error.message, checks: [] };
    throw error;
  }
}

function planFor(servers: readonly string[], { pdu, rules, essential }: EventToVerify, keys: VerifyKeyLookup): Plan {
  const message = essential ?? essentialBytes(pdu, rules);
  const checks = servers.map((serverName) => checksOf(serverName, message, pdu, rules, keys));
  const unsigned = servers[checks.findIndex((ofServer) => ofServer.length === 0)];
  if (unsigned === undefined) return { checks: checks.flat() };
  const isKeyUnknown = signingKeyIds(pdu, unsigned).length > 0;
  const reason = isKeyUnknown ? 'signed with no key known to be valid by' : 'not signed by';
  return { refusal: `${reason} ${unsigned}`, isKeyUnknown: isKeyUnknown || undefined, checks: [] };
}

function checksOf(serverName: string, message: Uint8Array, pdu: Pdu, rules: RoomVersionRules, keys: VerifyKeyLookup) {
  return signingKeyIds(pdu, serverName).flatMap((keyId) => {
    const key = keys(serverName, keyId);
    if (!key || !isKeyValidAt(key, pdu.origin_server_ts, rules)) return [];
    const signature = decodeBase64(signatureBy(pdu, serverName, keyId) ?? '');
    return [{ serverName, message, signature, publicKey: key.publicKey }];
  });
}

function verdictOf(plan: Plan, results: readonly boolean[]): SignatureVerdict {
  const { refusal, isKeyUnknown } = plan;
  if (refusal !== undefined) return { signed: false, reason: refusal, isKeyUnknown };
  const bad = plan.checks[results.indexOf(false)];
  return bad === undefined
    ? { signed: true }
    : { signed: false, reason: `the signature of ${bad.serverName} is not valid` };
}
