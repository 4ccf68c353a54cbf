import type { ServerKeyRing, ServerKeysWanted } from '@ganglion/contracts/federation';
import {
  CanonicalJsonError,
  canonicalJsonString,
  domainOf,
  type ExaminedPdu,
  examinePdu,
  InvalidPduError,
  isJsonObject,
  isKeyValidAt,
  type Pdu,
  type PduLeniency,
  ProtocolError,
  type RoomVersionRules,
  requiredSigners,
  type SignatureVerdict,
  type SignatureVerifier,
  signingKeyIds,
  type VerifyKeyLookup,
  verifyEventSignature,
  verifyManyEventSignatures,
} from '@ganglion/protocol';
import { keyLookup, wantedKeys } from './verify-keys.js';

/** A PDU that is signed by whoever has to have signed it. */
export interface VerifiedPdu {
  readonly eventId: string;
  /** As it counts: redacted when its content is not what its hash says. */
  readonly pdu: Pdu;
  /** As it came, but for `unsigned`, which nobody vouches for. */
  readonly json: string;
}

/** Why a PDU counts for nothing; its id if it has one. */
export interface RefusedPdu {
  readonly eventId: string | undefined;
  readonly refusal: string;
  /** It may be what it should be: the key of a server that has signed it could not be had. */
  readonly isKeyUnknown?: true | undefined;
}

export type PduVerdict = VerifiedPdu | RefusedPdu;

export function isVerified(verdict: PduVerdict): verdict is VerifiedPdu {
  return 'json' in verdict;
}

/** Who signs with more keys at once has no need to. */
const MAX_KEYS_A_SIGNER = 5;

export interface VerifyOptions extends PduLeniency {
  /** A server whose signature is still to be added. */
  readonly exceptSigner?: string | undefined;
  /** A server that has to have signed it, too, though no rule demands it. */
  readonly alsoSigner?: string | undefined;
}

type Examined = ExaminedPdu & Pick<VerifiedPdu, 'json'>;

/**
 * Looks at what other servers give us as PDUs, wherever it was asked for or not, before anybody else does: whether it is an event
 * of its room, and signed with keys that its servers published. Each stands for itself.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export class PduVerifier {
  constructor(
    private readonly keyRing: ServerKeyRing,
    private readonly verifier: SignatureVerifier,
  ) {}

  /**
   * One verdict for each, in their order.
   *
   * @param pdus as `parseJson` read them: anything at all
   */
  async verify(
    pdus: readonly unknown[],
    roomId: string,
    rules: RoomVersionRules,
    { exceptSigner, alsoSigner, manyReferences = false }: VerifyOptions = {},
  ): Promise<PduVerdict[]> {
    const examined = pdus.map((pdu) => examineOne(pdu, roomId, rules, { manyReferences }));
    const sound = examined.filter((each): each is Examined => 'essential' in each);
    const keys = await keyLookup(this.keyRing, this.#keys(sound, rules, alsoSigner));
    const signed =
      exceptSigner === undefined
        ? await verifyManyEventSignatures(
            sound.map(({ pdu, essential }) => ({ pdu, rules, essential })),
            keys,
            this.verifier,
          )
        : sound.map(({ pdu }) => verifyExcept(pdu, rules, keys, exceptSigner));
    const verdicts = new Map(sound.map((each, index) => [each, signed[index]!]));
    return examined.map((each) => {
      if (!('essential' in each)) return each;
      const verdict = verdicts.get(each)!;
      const { eventId, pdu, json } = each;
      if (alsoSigner !== undefined && !isSignedBy(alsoSigner, pdu, rules, keys)) {
        return { eventId, refusal: `not signed by ${alsoSigner}` };
      }
      if (verdict.signed) return { eventId, pdu, json };
      return { eventId, refusal: verdict.reason, isKeyUnknown: verdict.isKeyUnknown };
    });
  }

  #keys(sound: readonly Examined[], rules: RoomVersionRules, alsoSigner: string | undefined): ServerKeysWanted[] {
    const also = alsoSigner === undefined ? [] : [alsoSigner];
    return wantedKeys(
      sound.flatMap(({ pdu }) =>
        [...signersOf(pdu, rules), ...also].map((serverName) => ({
          serverName,
          keyIds: signingKeyIds(pdu, serverName).slice(0, MAX_KEYS_A_SIGNER),
          // A key of any time will do where the room's version asks for no more.
          at: rules.enforceKeyValidity ? pdu.origin_server_ts : 0,
        })),
      ),
    );
  }
}

function signersOf(pdu: Pdu, rules: RoomVersionRules): string[] {
  try {
    return requiredSigners(pdu, rules);
  } catch (error) {
    // The check of the signatures says what is wrong.
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

/** As for any event, but for the signature of a server that is still to give it. Its sender's is never done without. */
function verifyExcept(pdu: Pdu, rules: RoomVersionRules, keys: VerifyKeyLookup, except: string): SignatureVerdict {
  const signers = new Set([domainOf(pdu.sender), ...signersOf(pdu, rules).filter((signer) => signer !== except)]);
  for (const signer of signers) {
    if (!isSignedBy(signer, pdu, rules, keys)) return { signed: false, reason: `not signed by ${signer}` };
  }
  return { signed: true };
}

function isSignedBy(signer: string, pdu: Pdu, rules: RoomVersionRules, keys: VerifyKeyLookup): boolean {
  return signingKeyIds(pdu, signer).some((keyId) => {
    const key = keys(signer, keyId);
    const isValid = key !== undefined && isKeyValidAt(key, pdu.origin_server_ts, rules);
    return isValid && verifyEventSignature(pdu, rules, signer, keyId, key.publicKey);
  });
}

function examineOne(
  received: unknown,
  roomId: string,
  rules: RoomVersionRules,
  leniency: PduLeniency,
): Examined | RefusedPdu {
  if (!isJsonObject(received)) return { eventId: undefined, refusal: 'it is no object' };
  // Before anything is measured: what servers add on the way makes no event too large.
  Reflect.deleteProperty(received, 'unsigned');
  try {
    const json = canonicalJsonString(received, { strict: false });
    const examined = examinePdu(received, rules, leniency);
    if (examined.roomId !== roomId) return { eventId: examined.eventId, refusal: 'it is of another room' };
    return { ...examined, json };
  } catch (error) {
    if (error instanceof InvalidPduError || error instanceof CanonicalJsonError) {
      return { eventId: undefined, refusal: error.message };
    }
    throw error;
  }
}
