import { MatrixError } from '@ganglion/contracts';
import type { AskToSignRequest, PolicyServers } from '@ganglion/contracts/federation';
import { canonicalJsonString, type Pdu, parseJson, roomVersionRules } from '@ganglion/protocol';
import type { Recommendations } from '../domain/policy/recommendations.js';

/** Policy servers, for the service that sends events to rooms. */
export class PolicyServersRpc implements PolicyServers {
  constructor(private readonly recommendations: Recommendations) {}

  async askToSign({ origin, serverName, publicKey, roomVersion, pduJson }: AskToSignRequest) {
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined)
      throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', `${roomVersion} is not supported`);
    const pdu = parseJson(pduJson) as unknown as Pdu;
    const signed = await this.recommendations.get(origin, pdu, rules, { serverName, publicKey });
    return { pduJson: canonicalJsonString(signed as never, { strict: false }) };
  }
}
