import { readFile } from 'node:fs/promises';
import {
  type Authority,
  freePorts,
  loadRouteTable,
  startAllInOne,
  startProxy,
  startTestCluster,
  type TestAllInOne,
  type TestCluster,
  type TestDeployment,
  Wire,
} from '@ganglion/testing';
import { RoomLog } from './room-log.js';

/** A deployment that others know by a wire, with a look into its database. */
export interface Federating<D extends TestDeployment> {
  readonly name: string;
  readonly db: RoomLog['db'];
  readonly wire: Wire;
  readonly deployment: D;
  close(): Promise<void>;
}

/** A cluster behind an ingress for other servers. */
export async function federatingCluster(authority: Authority): Promise<Federating<TestCluster>> {
  const { wire, port, name, federation, files } = await lay(authority);
  const deployment = await startTestCluster({ settings: { server_names: [{ name }], federation } });
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
  const replicas = deployment.replicasOf;
  const ingress = await startProxy({ port, tls: { cert, key }, routes: loadRouteTable(), replicas });
  return federating(name, wire, deployment, () => ingress.close());
}

/** All in one process. */
export async function federatingProcess(authority: Authority): Promise<Federating<TestAllInOne>> {
  const { wire, port, name, federation, files } = await lay(authority);
  const listeners = [{ host: '127.0.0.1', port, tls: { cert_file: files.cert, key_file: files.key } }];
  const settings = { server_names: [{ name }], federation: { ...federation, listeners } };
  return federating(name, wire, await startAllInOne({ settings }));
}

async function lay(authority: Authority) {
  const files = await authority.issue('127.0.0.1');
  const [known = 0, port = 0] = await freePorts(2);
  const federation = { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: files.ca };
  return { wire: await Wire.lay(known, port), port, name: `127.0.0.1:${known}`, federation, files };
}

async function federating<D extends TestDeployment>(
  name: string,
  wire: Wire,
  deployment: D,
  end: () => Promise<void> = async () => {},
): Promise<Federating<D>> {
  const log = await RoomLog.open(deployment.databaseUrl);
  const close = async () => {
    await Promise.all([log.close(), wire.cut()]);
    await end();
    await deployment.close();
  };
  return { name, db: log.db, wire, deployment, close };
}
