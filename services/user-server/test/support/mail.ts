import { MailServer } from '@ganglion/testing';
import { Deployment, type Instance, type InstanceOptions, LISTENING } from './deployment.js';
import { type Answer, freshName, type HttpClient } from './http-client.js';

export const PASSWORD = 'a good password';
export const SECRET = 'only.known_to-the=client';
export const EMAIL = 'm.login.email.identity';

export let deployment: Deployment;
export let mailServer: MailServer;
export let instance: Instance;
export let http: HttpClient;

/** Has a mail server, and a replica that sends e-mails by it, while the tests of a file run. */
export function withMail(): void {
  beforeAll(async () => {
    deployment = await Deployment.create();
    mailServer = await MailServer.start();
    instance = await start();
    ({ http } = instance);
  });
  afterAll(async () => {
    await deployment.close();
    await mailServer.close();
  });
}

export const base = (port: number) => ({
  smtp: { host: '127.0.0.1', port, tls: 'none' as const },
  from: 'Ganglion <noreply@one.test>',
});

/** A replica that sends e-mails. */
export function start(email: object = {}, more: InstanceOptions['config'] = {}, others: InstanceOptions = {}) {
  return deployment.start({
    ...others,
    config: {
      email: { ...base(mailServer.port), ...email },
      http: { ...LISTENING, public_base_url: 'https://matrix.one.test/here/' },
      ...more,
    },
  });
}

export const freshAddress = () => `${freshName('mail')}@example.org`;
export const refusal = ({ status, body }: Answer) => [status, body.errcode];
const where = { register: 'register', password: 'account/password', contact: 'account/3pid' };
export type Purpose = keyof typeof where;

export const ask = (purpose: Purpose, email: string, more: object = {}, at = http) =>
  at.post(`${where[purpose]}/email/requestToken`, { email, client_secret: SECRET, send_attempt: 1, ...more });

/** Follows the link in the next e-mail to an address, as a person does. */
export async function follow(email: string, after = 0, at = http): Promise<Answer> {
  const { pathname, search } = await mailServer.linkTo(email, after);
  return at.call('POST', `${pathname.replace('/here', '')}${search}`, {});
}

/** A session whose link has been followed. */
export async function confirmed(purpose: Purpose, email: string, at = http): Promise<string> {
  const before = mailServer.mails.filter(({ to }) => to.includes(email)).length;
  const { status, body } = await ask(purpose, email, { send_attempt: Date.now() }, at);
  if (status !== 200) throw new Error(JSON.stringify(body));
  const followed = await follow(email, before, at);
  expect([followed.status, followed.body]).toEqual([200, { success: true }]);
  return body.sid;
}

export const proof = (sid: string, more: object = {}) => ({
  type: EMAIL,
  threepid_creds: { sid, client_secret: SECRET, ...more },
});

/** Somebody with an account and an e-mail address. */
export async function withAddress(email = freshAddress()) {
  const auth = proof(await confirmed('register', email));
  const { status, body } = await http.post('register', { auth, username: freshName(), password: PASSWORD });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return { email, userId: body.user_id as string, token: body.access_token as string };
}

export const byEmail = (address: string, password = PASSWORD) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.thirdparty', medium: 'email', address },
  password,
});
