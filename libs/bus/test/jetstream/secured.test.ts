import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';
import { Authority } from '../../../testing/src/certificates.js';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import { BusUnavailableError } from '../../src/index.js';
import { connectJetStreamBus, type JetStreamOptions } from '../../src/jetstream/jetstream-bus.js';
import { type RoomEvent, reader, roomStream, until } from '../support.js';

let house: Authority;
let stranger: Authority;
let folder: string;
let server: NatsServer;

beforeAll(async () => {
  [house, stranger] = await Promise.all([Authority.create('house'), Authority.create('stranger')]);
  folder = await mkdtemp(join(tmpdir(), 'ganglion-nats-secrets-'));
});
afterAll(async () => {
  house.end();
  stranger.end();
  await rm(folder, { recursive: true });
});
afterEach(() => server.close());

/** Certificates are for names. */
const nameOf = ({ url }: NatsServer) => url.replace('127.0.0.1', 'localhost');

/** Publishes a message and reads it. */
async function carries(options: Omit<JetStreamOptions, 'servers'>): Promise<void> {
  const bus = await connectJetStreamBus({ servers: [nameOf(server)], ...options });
  try {
    const heard: RoomEvent[] = [];
    await bus.consume(reader(), async (batch) => {
      heard.push(...batch.map(({ message }) => message));
    });
    const message = { room: '!a:x', seq: 1 };
    await bus.publish(roomStream(), message, { key: message.room, id: 'a#1' });
    await until('the message has come', () => heard.length > 0);
    expect(heard).toEqual([message]);
  } finally {
    await bus.close();
  }
}

async function isRefused(options: Omit<JetStreamOptions, 'servers'>): Promise<void> {
  const connecting = connectJetStreamBus({ servers: [nameOf(server)], connectDeadlineMs: 500, ...options });
  await expect(connecting).rejects.toBeInstanceOf(BusUnavailableError);
}

describe('NATS that wants certificates', () => {
  const filesOf = async (authority: Authority, name: string, ca = authority) => {
    const { ca: caFile, cert: certFile, key: keyFile } = await authority.issue(name, ca);
    return { caFile, certFile, keyFile };
  };

  beforeEach(async () => {
    const { caFile, certFile, keyFile } = await filesOf(house, 'localhost');
    const tls = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true`;
    server = await startNatsServer({ configuration: `tls { ${tls} }` });
  });

  it('carries messages of who shows one of its authority', async () => {
    await carries({ tls: await filesOf(house, 'ganglion') });
  });

  it('is shown the certificate that the files hold by then, whenever a connection is made anew', async () => {
    const { caFile, certFile, keyFile } = await filesOf(house, 'ganglion');
    const bus = await connectJetStreamBus({ servers: [nameOf(server)], tls: { caFile, certFile, keyFile } });
    try {
      const renewed = await Authority.create('renewed');
      const [ours, theirs] = [await filesOf(renewed, 'ganglion'), await filesOf(renewed, 'localhost')];
      for (const [from, to] of [
        [ours.caFile, caFile],
        [ours.certFile, certFile],
        [ours.keyFile, keyFile],
      ] as const) {
        await copyFile(from, to);
      }
      const tls = `cert_file: "${theirs.certFile}", key_file: "${theirs.keyFile}", ca_file: "${theirs.caFile}", verify: true`;
      await server.restart({ configuration: `tls { ${tls} }` });
      await bus.publish(roomStream(), { room: '!a:x', seq: 1 }, { key: '!a:x' });
      renewed.end();
    } finally {
      await bus.close();
    }
  }, 180_000);

  it('is not reached without one, with one of a stranger, nor by who does not trust its own', async () => {
    await isRefused({});
    await isRefused({ tls: await filesOf(stranger, 'ganglion', house) });
    await isRefused({ tls: await filesOf(house, 'ganglion', stranger) });
  });
});

describe('NATS that wants credentials', () => {
  const TIMEOUT_MS = 180_000;

  let account: KeyPair;

  const credentials = async (issuer: KeyPair): Promise<string> => {
    const user = createUser();
    const file = join(folder, `${user.getPublicKey()}.creds`);
    await writeFile(file, fmtCreds(await encodeUser('ganglion', user, issuer), user));
    return file;
  };

  beforeEach(async () => {
    const operator = createOperator();
    const system = createAccount();
    account = createAccount();
    const connections = { conn: -1, subs: -1, data: -1, payload: -1 };
    const limits = { ...connections, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const accounts = [
      `${system.getPublicKey()}: ${await encodeAccount('system', system, {}, { signer: operator })}`,
      `${account.getPublicKey()}: ${await encodeAccount('house', account, { limits }, { signer: operator })}`,
    ];
    server = await startNatsServer({
      configuration: `
        operator: ${await encodeOperator('operator', operator)}
        system_account: ${system.getPublicKey()}
        resolver: MEMORY
        resolver_preload: { ${accounts.join('\n')} }`,
    });
  }, TIMEOUT_MS);

  it('carries messages of who has them', async () => {
    await carries({ credentialsFile: await credentials(account) });
  });

  it('is not reached without them, nor with those of another account', async () => {
    await isRefused({});
    await isRefused({ credentialsFile: await credentials(createAccount()) });
  });
});
