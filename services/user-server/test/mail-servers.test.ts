import { Authority, eventually, MailServer } from '@ganglion/testing';
import { Deployment, LISTENING } from './support/deployment.js';
import { ask, base, freshAddress } from './support/mail.js';

describe.each([
  ['starttls', false],
  ['tls', true],
] as const)('a mail server that is reached by %s', (tls, secure) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await Authority.create('mail');
  });
  afterAll(() => authority.end());

  it('gets e-mails encrypted, from who has logged in, and none when it is not the one we know', async () => {
    const certificate = await authority.issue('127.0.0.1');
    const login = { username: 'ganglion', password: 'mail secret' };
    const server = await MailServer.start({ certificate, secure, login });
    const apart = await Deployment.create();
    const smtp = { host: '127.0.0.1', port: server.port, tls, ca_file: certificate.ca, ...login };
    const config = (changes: object) => ({
      email: { ...base(0), smtp: { ...smtp, ...changes } },
      http: { ...LISTENING, public_base_url: 'https://one.test' },
    });
    const stranger = await apart.start({
      config: config({ ca_file: (await (await Authority.create('x')).issue('y')).ca }),
    });
    const email = freshAddress();
    await ask('register', email, {}, stranger.http);
    const text = 'SELECT attempts FROM user_server.letters WHERE due_at > now()';
    await eventually(async () => expect((await stranger.db.query({ text })).rows).toHaveLength(1));
    expect(server.mails).toEqual([]);
    await stranger.stop();
    const friend = await apart.start({ config: config({}) });
    await friend.db.query({ text: 'UPDATE user_server.letters SET due_at = now()' });
    expect(await server.mailTo(email)).toMatchObject({ secure: true, user: 'ganglion' });
    await apart.close();
    await server.close();
  });
});

it('a mail server that does not encrypt gets nothing when it should', async () => {
  const apart = await Deployment.create();
  const plain = await MailServer.start();
  const smtp = { host: '127.0.0.1', port: plain.port };
  const http = { ...LISTENING, public_base_url: 'https://one.test' };
  const replica = await apart.start({ config: { email: { ...base(0), smtp }, http } });
  await ask('register', freshAddress(), {}, replica.http);
  const text = 'SELECT attempts FROM user_server.letters WHERE attempts > 0 AND due_at > now()';
  await eventually(async () => expect((await replica.db.query({ text })).rows).toHaveLength(1));
  expect(plain.mails).toEqual([]);
  await apart.close();
  await plain.close();
});
