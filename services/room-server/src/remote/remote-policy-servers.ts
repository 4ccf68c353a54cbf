import type { PolicyServers } from '@ganglion/contracts/federation';
import { type Pdu, type PolicyServer, parseJson } from '@ganglion/protocol';
import type { PolicyAsker } from '../domain/ports/policy-asker.js';

/** Asks by way of federation-api. */
export class RemotePolicyServers implements PolicyAsker {
  constructor(private readonly servers: PolicyServers) {}

  async ask(origin: string, pdu: Pdu, roomVersion: string, { serverName, publicKey }: PolicyServer): Promise<Pdu> {
    const asked = { origin, serverName, publicKey: Buffer.from(publicKey), roomVersion, pduJson: JSON.stringify(pdu) };
    return parseJson((await this.servers.askToSign(asked)).pduJson) as unknown as Pdu;
  }
}
