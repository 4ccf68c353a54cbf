import { type IdentityAgent, unreachable } from '@ganglion/identity';
import { authorizeRequest, domainOf, type SigningKey } from '@ganglion/protocol';
import type { IdentityProof, IdentityServers, ThirdPartyAddress } from '../domain/ports.js';

const MAX_LENGTH = 512;
const V2 = '/_matrix/identity/v2';

export type SigningKeys = () => Promise<ReadonlyMap<string, SigningKey>>;

/**
 * Lets users be found at identity servers.
 *
 * @see https://spec.matrix.org/v1.19/identity-service-api/#establishing-associations
 */
export class RemoteIdentityServers implements IdentityServers {
  constructor(
    private readonly agent: IdentityAgent,
    private readonly signingKeys: SigningKeys,
  ) {}

  async bind(userId: string, { idServer, idAccessToken, sessionId, clientSecret }: IdentityProof) {
    const { medium, address } = await this.agent.must(idServer, {
      ...{ method: 'POST', path: `${V2}/3pid/bind`, authorization: `Bearer ${idAccessToken}` },
      body: { sid: sessionId, client_secret: clientSecret, mxid: userId },
    });
    if (!isStorable(medium) || !isStorable(address)) throw unreachable(idServer);
    return { medium, address };
  }

  async unbind(userId: string, { medium, address }: ThirdPartyAddress, idServer: string): Promise<boolean> {
    const origin = domainOf(userId);
    const key = (await this.signingKeys()).get(origin);
    if (key === undefined || !this.agent.allows(idServer)) return false;
    const uri = `${V2}/3pid/unbind`;
    const content = { mxid: userId, threepid: { medium, address } };
    const authorization = authorizeRequest({ method: 'POST', uri, origin, destination: idServer, content }, key);
    try {
      const answer = await this.agent.ask(idServer, { method: 'POST', path: uri, body: content, authorization });
      return answer.status === 200;
    } catch {
      return false;
    }
  }
}

/** What can be kept, and found again: no address of a medium is longer than this. */
function isStorable(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH && !value.includes('\0');
}
