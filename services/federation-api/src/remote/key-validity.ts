import type { IdentityAgent } from '@ganglion/identity';
import type { KeyValidity } from '../domain/ports/key-validity.js';

/** Asks identity servers about their keys, over HTTP. */
export class HttpKeyValidity implements KeyValidity {
  constructor(private readonly agent: Pick<IdentityAgent, 'ask'>) {}

  /** @see https://spec.matrix.org/v1.19/identity-service-api/#get_matrixidentityv2pubkeyephemeralisvalid */
  async isValid(url: string, publicKey: string): Promise<boolean> {
    const where = URL.canParse(url) ? new URL(url) : undefined;
    if (where?.protocol !== 'https:' || where.username !== '' || where.password !== '') return false;
    where.searchParams.set('public_key', publicKey);
    const path = `${where.pathname}${where.search}`;
    const { status, content } = await this.agent.ask(where.host, { method: 'GET', path });
    return status === 200 && content.valid === true;
  }
}
