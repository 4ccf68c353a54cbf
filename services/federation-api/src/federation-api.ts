import type { Config } from '@ganglion/config';
import type { ServerKeyRing } from '@ganglion/contracts/federation';
import type { Database } from '@ganglion/database';
import { FederationAgent } from '@ganglion/federation';
import type { SigningKey } from '@ganglion/protocol';
import { KeyFetches } from './domain/keys/key-fetches.js';
import { KeyRing } from './domain/keys/key-ring.js';
import { Notary } from './domain/keys/notary.js';
import { ownKeys, PublishedKeys } from './domain/published-keys.js';
import { HttpKeySource } from './remote/key-source.js';
import { ServerKeyRingRpc } from './rpc/server-key-ring-rpc.js';
import { PostgresKeyStore } from './storage/key-store.js';

export interface FederationApiDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  /** How other servers are asked; by default as the configuration says. */
  readonly agent?: FederationAgent;
}

/** One replica of federation-api: what its HTTP side is made of, and what it offers the other services. */
export interface FederationApi {
  readonly published: PublishedKeys;
  readonly notary: Notary;
  readonly serverKeyRing: ServerKeyRing;
  /** How other servers are asked. */
  readonly agent: FederationAgent;
  start(): void;
  stop(): Promise<void>;
}

/** Puts one replica together. Any number may run on one database. */
export function createFederationApi({ config, db, signingKeys, ...deps }: FederationApiDependencies): FederationApi {
  const agent = deps.agent ?? new FederationAgent({ config: config.federation, signingKeys });
  const store = new PostgresKeyStore(db);
  const published = new PublishedKeys(signingKeys, config.server_names);
  const neighbourhood = {
    ownKeys: (serverName: string) => ownKeys(serverName, signingKeys, config.server_names),
    allows: (serverName: string) => agent.policy.allows(serverName),
  };
  const source = new HttpKeySource(agent, async (notary) => {
    const wanted = { serverName: notary, keyIds: [], minimumValidUntilTs: Date.now() };
    return (await ring.keys([wanted])).get(notary);
  });
  const fetches = new KeyFetches(source, store, config.federation.trusted_key_servers);
  const ring = new KeyRing(store, fetches, neighbourhood);
  return {
    agent,
    published,
    notary: new Notary(ring, store, published, signingKeys),
    serverKeyRing: new ServerKeyRingRpc(ring),
    start() {},
    stop: () => agent.close(),
  };
}
