import { connect } from 'node:net';
import { EXAMPLES, type Example, setScene } from './support/endpoint-examples.js';
import { Homeserver, type Replica, WITH_EMAIL } from './support/homeserver.js';
import { type HostileRequest, hostileRequests, oddRequests, pathOf } from './support/hostile-input.js';
import { type Answer, exchange, type Person } from './support/person.js';

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start(WITH_EMAIL);
});
afterAll(() => homeserver.close());

const routesOf = ({ routes }: Replica) =>
  [...routes]
    .flatMap(([path, methods]) => [...methods].map((method) => `${method} ${path}`))
    .filter((route) => !route.startsWith('HEAD ') && !route.endsWith(' /health'));

const isRefusal = ({ status, body }: Answer) =>
  status >= 400 && status < 500 && (typeof body.errcode === 'string' || (status === 401 && Array.isArray(body.flows)));

it('has an example of every endpoint that there is', () => {
  expect(Object.keys(EXAMPLES).toSorted()).toEqual(routesOf(replica).toSorted());
});

describe.each(Object.entries(EXAMPLES))('%s', (route, makeExample) => {
  const method = route.slice(0, route.indexOf(' '));
  const send = ({ token }: Person, { path, body, headers }: Omit<HostileRequest, 'what'>) =>
    exchange(replica.url, method, path, { body, headers: { authorization: `Bearer ${token}`, ...headers } });

  it('answers what it is made for', async () => {
    const scene = await setScene(replica.url);
    const example = await makeExample(scene);
    const answer = await send(scene.person, { path: pathOf(route, example), body: example.body });
    expect(answer).toMatchObject({ status: example.status ?? 200 });
  });

  it('refuses what is hostile, and changes nothing', async () => {
    const scene = await setScene(replica.url);
    const example: Example = await makeExample(scene);
    const before = await contents(replica);
    const accepted: string[] = [];
    for (const request of hostileRequests(route, example)) {
      const answer = await send(scene.person, request);
      if (!isRefusal(answer))
        accepted.push(`${request.what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 100)}`);
    }
    expect(accepted).toEqual([]);
    expect(await contents(replica)).toEqual(before);
  });

  it('knows what it does with what is odd', async () => {
    const scene = await setScene(replica.url);
    const example: Example = await makeExample(scene);
    const failed: string[] = [];
    for (const request of oddRequests(route, example)) {
      const answer = await send(scene.person, request);
      // 502: a server of an odd name is asked for what it has, and is not there.
      const isAnswer = answer.status === 200 || answer.status === 502 || isRefusal(answer);
      if (!isAnswer) failed.push(`${request.what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 100)}`);
    }
    expect(failed).toEqual([]);
  });
});

it.each([
  'GET /.well-known/matrix/client',
  'GET /.well-known/matrix/server',
  'GET /_matrix/key/v2/server',
  'GET /_matrix/client/v3/login',
])('%s is answered without a host as for the first server name', async (line) => {
  const socket = connect(Number(new URL(replica.url).port), '127.0.0.1');
  socket.end(`${line} HTTP/1.0\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const status = Number(Buffer.concat(chunks).toString().split(' ')[1]);
  expect(status).toBe(line.includes('matrix/server') ? 404 : 200);
});

/** What is kept, apart from what comes and goes by itself. */
async function contents({ db }: Replica): Promise<Record<string, unknown>> {
  const tables = [
    ...['room_server.rooms', 'room_server.events', 'room_server.aliases', 'room_server.transactions', 'push.pushers'],
    ...['user_server.accounts', 'user_server.account_data', 'user_server.profile_fields', 'user_server.filters'],
    ...['user_server.third_party_ids', 'user_server.email_sessions'],
    ...['media.files', 'media.blobs', 'media.usage'],
    ...['user_server.access_tokens', 'user_server.refresh_tokens'],
    ...[
      'key_server.devices',
      'key_server.one_time_keys',
      'key_server.cross_signing_keys',
      'key_server.user_signatures',
    ],
    ...['key_server.backups', 'key_server.backup_keys', 'key_server.dehydrated_devices'],
  ];
  const entries = tables.map(async (table) => {
    // When accounts end is decided in the background.
    const row = table === 'user_server.accounts' ? "(to_jsonb(t) - 'expires_at' - 'told_of_end')::text" : 't::text';
    const text = `SELECT md5(string_agg(${row}, ' ' ORDER BY ${row})) AS digest, count(*) AS count FROM ${table} t`;
    return [table, (await db.query({ text })).rows[0]] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
