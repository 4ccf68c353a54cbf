import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { EXTERNAL, TestShell } from './support.js';

interface Seen {
  host: string | undefined;
  body: Record<string, unknown>;
}

let shell: TestShell;
let server: Server;
let url: string;
const seen: Seen[] = [];
let answer: { status: number; body: unknown };

beforeEach(async () => {
  shell = new TestShell();
  seen.length = 0;
  answer = { status: 200, body: { user_id: '@alice:example.org', access_token: 't' } };
  server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : undefined;
    if (body) seen.push({ host: request.headers.host, body });
    const { status, body: answered } = body ? answer : { status: 200, body: { nonce: 'n0nce' } };
    response.writeHead(request.url === '/_synapse/admin/v1/register' ? status : 404, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(answered));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
  shell.file('ganglion.yaml', `${EXTERNAL}http: {listeners: [{host: 0.0.0.0, port: ${port}}]}`);
});
afterEach(() => {
  server.close();
  shell.remove();
});

function mac(...parts: string[]): string {
  return createHmac('sha1', 'much too secret').update(parts.join('\0')).digest('hex');
}

it('registers by the shared secret, where the configuration listens', async () => {
  expect(await shell.run('create-user', 'alice')).toBe(0);
  expect(shell.output).toBe('Made @alice:example.org.\n');
  expect(seen).toEqual([
    {
      host: 'example.org',
      body: {
        nonce: 'n0nce',
        username: 'alice',
        password: 'correct horse',
        admin: false,
        inhibit_login: true,
        mac: mac('n0nce', 'alice', 'correct horse', 'notadmin'),
      },
    },
  ]);
});

it('makes administrators, takes a password from a file, and keeps its UTF-8', async () => {
  const file = shell.file('password', 'pässwörd \n');
  await shell.run(
    'create-user',
    'alice',
    '--admin',
    '--password-file',
    file,
    '--display-name',
    'Alice A.',
    '--url',
    url,
  );
  expect(seen[0]?.body).toMatchObject({
    admin: true,
    password: 'pässwörd ',
    displayname: 'Alice A.',
    mac: mac('n0nce', 'alice', 'pässwörd ', 'admin'),
  });
});

it('names the server that a full user id is of', async () => {
  shell.file('two.yaml', EXTERNAL.replace('[{name: example.org}]', '[{name: example.org}, {name: "b.org:8448"}]'));
  const options = ['--config', 'two.yaml', '--url', url];
  expect(await shell.run('create-user', '@bob:b.org:8448', ...options)).toBe(0);
  expect(seen[0]).toMatchObject({ host: 'b.org:8448', body: { username: 'bob' } });
  expect(await shell.run('create-user', '@bob:c.org', ...options)).toBe(2);
  expect(shell.errors).toContain('c.org is not a server name of this deployment');
});

it('passes on why the server refuses', async () => {
  answer = { status: 400, body: { errcode: 'M_USER_IN_USE', error: 'User ID already taken.' } };
  expect(await shell.run('create-user', 'alice')).toBe(1);
  expect(shell.errors).toBe('The server refused: User ID already taken. (M_USER_IN_USE)\n');
});

it('notices what is not a homeserver', async () => {
  answer = { status: 200, body: '<html>' };
  expect(await shell.run('create-user', 'alice')).toBe(1);
  expect(shell.errors).toContain('does not answer like a Matrix homeserver (HTTP 200)');
});

it('says that nobody answers', async () => {
  server.close();
  await once(server, 'close');
  expect(await shell.run('create-user', 'alice')).toBe(1);
  expect(shell.errors).toMatch(
    /^No server answers at http:\/\/127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\)\. Is it running\?\n$/,
  );
});

it('needs a shared secret and a password', async () => {
  shell.password = '';
  expect(await shell.run('create-user', 'alice')).toBe(2);
  shell.file('open.yaml', 'server_names: [{name: example.org}]');
  expect(await shell.run('create-user', 'alice', '-c', 'open.yaml')).toBe(2);
  expect(shell.errors).toContain('registration.shared_secret is not set');
});
