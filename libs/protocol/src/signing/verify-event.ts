import type { Pdu } from '../events/pdu.js';
import { isJsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { Base64Error, decodeBase64 } from './base64.js';
import { essentialBytes } from './event-hash.js';
import { signatureBy, verifyBytes } from './json-signature.js';
import { requiredSigners } from './required-signers.js';
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.js';
import { isKeyValidAt, type VerifyKeyLookup } from './verify-key.js';

/** Whether an event is signed as it must be; if not, by whom a signature is missing or wrong. */
export type SignatureVerdict =
  | { readonly signed: true }
  | {
      readonly signed: false;
      readonly serverName: string;
      readonly reason: 'no signature' | 'no valid key' | 'bad signature';
    };

const SIGNED: SignatureVerdict = { signed: true };

/**
 * Checks the signatures of every server that must have signed an event. Signatures with an unknown or expired key are
 * skipped; of the rest there must be at least one for each server, and all must be valid.
 *
 * @throws {ProtocolError} when the event has no canonical form or no domains to look at
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function verifyEventSignatures(pdu: Pdu, rules: RoomVersionRules, keys: VerifyKeyLookup): SignatureVerdict {
  const plan = planChecks(pdu, rules, keys);
  return 'verdict' in plan
    ? plan.verdict
    : judge(
        plan.servers,
        plan.checks.map((c) => verifyBytes(c.message, c.signature, c.publicKey)),
      );
}

/** As `verifyEventSignatures` for many events of any rooms, with all signatures handed to the verifier in one batch. */
export async function verifyManyEventSignatures(
  events: readonly { readonly pdu: Pdu; readonly rules: RoomVersionRules }[],
  keys: VerifyKeyLookup,
  verifier: SignatureVerifier,
): Promise<SignatureVerdict[]> {
  const plans = events.map(({ pdu, rules }) => planChecks(pdu, rules, keys));
  const results = await verifier.verify(plans.flatMap((plan) => ('verdict' in plan ? [] : plan.checks)));
  let next = 0;
  return plans.map((plan) => {
    if ('verdict' in plan) return plan.verdict;
    const from = next;
    next += plan.checks.length;
    return judge(plan.servers, results.slice(from, next));
  });
}

type Plan =
  | { readonly verdict: SignatureVerdict }
  | { readonly servers: readonly string[]; readonly checks: readonly SignatureCheck[] };

function planChecks(pdu: Pdu, rules: RoomVersionRules, keys: VerifyKeyLookup): Plan {
  const servers: string[] = [];
  const checks: SignatureCheck[] = [];
  const message = essentialBytes(pdu, rules);
  for (const serverName of requiredSigners(pdu, rules)) {
    const keyIds = signingKeyIds(pdu, serverName);
    if (keyIds.length === 0) return { verdict: { signed: false, serverName, reason: 'no signature' } };
    const before = checks.length;
    for (const keyId of keyIds) {
      const key = keys(serverName, keyId);
      if (!key || !isKeyValidAt(key, pdu.origin_server_ts, rules)) continue;
      servers.push(serverName);
      checks.push({
        message,
        signature: decodeOrEmpty(signatureBy(pdu, serverName, keyId) ?? ''),
        publicKey: key.publicKey,
      });
    }
    if (checks.length === before) return { verdict: { signed: false, serverName, reason: 'no valid key' } };
  }
  return { servers, checks };
}

function judge(servers: readonly string[], results: readonly boolean[]): SignatureVerdict {
  const bad = servers[results.indexOf(false)];
  return bad === undefined ? SIGNED : { signed: false, serverName: bad, reason: 'bad signature' };
}

/** The ids of the Ed25519 keys with which a server has signed an object: those to look up before verifying. */
export function signingKeyIds(object: { readonly signatures?: unknown }, serverName: string): string[] {
  const { signatures } = object;
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, serverName) ? signatures[serverName] : undefined;
  return isJsonObject(own) ? Object.keys(own).filter((keyId) => keyId.startsWith('ed25519:')) : [];
}

/** No base64, no signature: an empty one fails the check as it should. */
function decodeOrEmpty(signature: string): Uint8Array {
  try {
    return decodeBase64(signature);
  } catch (error) {
    if (error instanceof Base64Error) return new Uint8Array();
    throw error;
  }
}
