import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { RoomReads } from '@ganglion/contracts/room';
import { isJsonObject, type JsonObject, parseJson, verifyThirdPartySignature } from '@ganglion/protocol';
import type { KeyValidity } from '../ports/key-validity.js';

/** What an identity server has signed for whoever has shown it that an address is theirs. */
export interface SignedForUser {
  readonly mxid: string;
  readonly token: string;
  readonly signatures: JsonObject;
}

/** An address that was invited to a room, and who says that it is theirs. */
export interface ClaimedInvite {
  readonly roomId: string;
  /** Whoever invited the address: one of ours. */
  readonly sender: string;
  readonly signed: SignedForUser;
}

export interface ProofDependencies {
  readonly roomReads: Pick<RoomReads, 'getState'>;
  readonly keys: KeyValidity;
}

/**
 * What becomes of the content of the invite: the part that proves that the address is the user's. Whether its signature is one that the
 * room knows is part of the rules by which the invite is authorised; that the key is still good, only the server that makes the invite asks.
 *
 * @throws MatrixError M_FORBIDDEN when the identity server does not stand by the key any more, what KeyValidity throws
 * @see https://spec.matrix.org/v1.19/client-server-api/#third-party-invites
 */
export async function provenInvite(deps: ProofDependencies, claimed: ClaimedInvite): Promise<JsonObject> {
  const { signed } = claimed;
  const invitation = await invitationOf(deps, claimed);
  const name = invitation?.display_name;
  if (invitation !== undefined) await checkStillGood(deps.keys, invitation, signed);
  return { display_name: typeof name === 'string' ? name : '', signed: { ...signed } };
}

/** As the room was told when the address was invited; undefined when whoever makes the invite is to find that they may not. */
async function invitationOf({ roomReads }: ProofDependencies, { roomId, sender, signed }: ClaimedInvite) {
  const asked = { roomId, userId: sender, type: 'm.room.third_party_invite', stateKey: signed.token };
  try {
    const [event] = (await roomReads.getState(asked)).events;
    const pdu = event === undefined ? undefined : parseJson(event.pduJson);
    return isJsonObject(pdu) && isJsonObject(pdu.content) ? pdu.content : undefined;
  } catch (error) {
    if (isMatrixError(error)) return undefined;
    throw error;
  }
}

/** An identity server names one of its own, and one for the address. */
const MOST_KEYS = 8;

/** One of the keys that have signed is enough. Without an address to ask at, a key is good for ever. */
async function checkStillGood(keys: KeyValidity, invitation: JsonObject, signed: SignedForUser): Promise<void> {
  const listed = Array.isArray(invitation.public_keys) ? invitation.public_keys.filter(isJsonObject) : [];
  const keyOf = ({ public_key, key_validity_url }: JsonObject) => JSON.stringify([public_key, key_validity_url]);
  const distinct = new Map([...listed.slice(0, MOST_KEYS), invitation].map((each) => [keyOf(each), each]));
  const signing = [...distinct.values()].flatMap(({ public_key: publicKey, key_validity_url: url }) => {
    const isOne = typeof publicKey === 'string' && verifyThirdPartySignature({ ...signed }, publicKey);
    return isOne ? [{ publicKey, url }] : [];
  });
  for (const { publicKey, url } of signing) {
    if (url === undefined || (typeof url === 'string' && (await keys.isValid(url, publicKey)))) return;
  }
  throw new MatrixError(403, 'M_FORBIDDEN', 'The identity server does not vouch for the user');
}
