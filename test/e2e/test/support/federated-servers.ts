import { Authority, explained, freePort, startAllInOne, type TestAllInOne } from '@ganglion/testing';
import { withComplaints } from './silence.js';

/** Homeservers that find each other over TLS, each with a name and a database of its own. */
export interface FederatedServers {
  readonly servers: readonly TestAllInOne[];
  /** Runs a test; what it fails with says what the servers have logged. */
  explaining(run: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Starts so many. @throws Error with its log when one does not start */
export async function startFederatedServers(count: number): Promise<FederatedServers> {
  const authority = await Authority.create('the internet');
  const starting = await Promise.allSettled(Array.from({ length: count }, () => start(authority)));
  const servers = starting.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const close = async () => {
    await Promise.all(servers.map((server) => server.close()));
    authority.end();
  };
  const failed = starting.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw explained(failed.reason, 'A server did not start');
  }
  const explaining = (run: () => Promise<void>) =>
    servers.reduce<() => Promise<void>>(
      (inner, server) => () => server.explaining(inner),
      () => withComplaints(run),
    )();
  return { servers, explaining, close };
}

async function start(authority: Authority): Promise<TestAllInOne> {
  const { cert: cert_file, key: key_file, ca: trusted_ca_file } = await authority.issue('127.0.0.1');
  const port = await freePort();
  const listeners = [{ host: '127.0.0.1', port, tls: { cert_file, key_file } }];
  return startAllInOne({
    settings: {
      server_names: [{ name: `127.0.0.1:${port}` }],
      federation: { listeners, allowed_networks: ['127.0.0.0/8'], trusted_ca_file },
    },
  });
}
