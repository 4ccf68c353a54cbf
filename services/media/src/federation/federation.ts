import type { Config } from '@ganglion/config';
import type { ServerKeyRing } from '@ganglion/contracts/federation';
import { FederationAgent, RequestAuthentication } from '@ganglion/federation';
import { Outgoing } from '@ganglion/outgoing';
import type { SigningKey } from '@ganglion/protocol';
import type { RemoteSource } from '../domain/ports/remote-source.js';
import { FederatedSource } from './federated-source.js';

/** What a media server has to do with others. */
export interface MediaFederation {
  readonly remoteSource: RemoteSource;
  readonly authentication: RequestAuthentication;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** Asks other servers as the first of ours, and finds out which of them ask us. */
export function createFederation(
  { federation, media, server_names }: Config,
  signingKeys: ReadonlyMap<string, SigningKey>,
  keyRing: ServerKeyRing,
): MediaFederation {
  const names = server_names.map(({ name }) => name);
  const agent = new FederationAgent({ config: federation, signingKeys });
  const outgoing = new Outgoing({ allowedNetworks: federation.allowed_networks });
  const origin = names[0] ?? '';
  const settings = { origin, maxBytes: media.max_remote_bytes, timeoutMs: media.remote_timeout_ms };
  return {
    remoteSource: new FederatedSource(agent, outgoing, settings),
    authentication: new RequestAuthentication(names, agent.policy, keyRing),
    async close() {
      await agent.close();
      await outgoing.close();
    },
  };
}
