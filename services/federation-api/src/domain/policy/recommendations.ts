import { isMatrixError, MatrixError } from '@ganglion/contracts';
import {
  canonicalJsonString,
  isRecommended,
  type JsonValue,
  jsonCodec,
  MAX_PDU_BYTES,
  type Pdu,
  type PolicyServer,
  type RoomVersionRules,
  withRecommendation,
} from '@ganglion/protocol';
import type { VerifiedPdu } from '../pdus/pdu-verifier.js';
import type { PolicySigners } from '../ports/policy-signers.js';

/** So many events of one transaction are asked for at once. */
const AT_ONCE = 10;

/** Gets the recommendations of policy servers for events. @see https://spec.matrix.org/v1.19/server-server-api/#policy-servers */
export class Recommendations {
  constructor(private readonly signers: PolicySigners) {}

  /** The event with its recommendation. @throws MatrixError as the policy server refuses, M_TOO_LARGE, M_UNKNOWN (502) when it cannot be understood */
  async get(origin: string, pdu: Pdu, rules: RoomVersionRules, server: PolicyServer): Promise<Pdu> {
    if (isRecommended(pdu, rules, server)) return pdu;
    const answer = await this.signers.sign(origin, server.serverName, pdu);
    const signed = withRecommendation(pdu, rules, server, answer);
    if (signed !== undefined) return fitting(signed);
    throw new MatrixError(
      502,
      'M_UNKNOWN',
      `${server.serverName} has not signed the event as the room's policy server`,
    );
  }

  /** The events with their recommendations, as far as the policy server gives them: what has none is not shown to anybody. */
  async getAll(
    origin: string,
    pdus: readonly VerifiedPdu[],
    rules: RoomVersionRules,
    server: PolicyServer | undefined,
  ): Promise<readonly VerifiedPdu[]> {
    if (server === undefined || server.serverName === origin) return pdus;
    const all = [...pdus];
    for (let first = 0; first < all.length; first += AT_ONCE) {
      const some = await Promise.all(
        all.slice(first, first + AT_ONCE).map((each) => this.#ifGiven(origin, each, rules, server)),
      );
      all.splice(first, some.length, ...some);
    }
    return all;
  }

  async #ifGiven(origin: string, verified: VerifiedPdu, rules: RoomVersionRules, server: PolicyServer) {
    try {
      const pdu = await this.get(origin, verified.pdu, rules, server);
      return pdu === verified.pdu ? verified : { ...verified, pdu, json: withSignaturesOf(verified.json, pdu) };
    } catch (error) {
      if (isMatrixError(error)) return verified;
      throw error;
    }
  }
}

/** @throws MatrixError M_TOO_LARGE for what other servers would refuse with one more signature */
function fitting(pdu: Pdu): Pdu {
  const bytes = Buffer.byteLength(canonicalJsonString(pdu as never, { strict: false }));
  if (bytes <= MAX_PDU_BYTES) return pdu;
  throw new MatrixError(413, 'M_TOO_LARGE', "The event is too large with the signature of the room's policy server");
}

/** As it came, which may be more than counts of it, with the signatures that it has by now. */
function withSignaturesOf(json: string, { signatures }: Pdu): string {
  const received = jsonCodec(json).parse(json) as Record<string, JsonValue>;
  // A copy would not know how its numbers were written.
  return canonicalJsonString(Object.assign(received, { signatures }), { strict: false });
}
