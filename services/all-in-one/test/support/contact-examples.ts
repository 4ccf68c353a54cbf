import type { Example, MakeExample } from './scene.js';

const V3 = '/_matrix/client/v3';
const CONFIRM = '/_ganglion/client/email/confirm';
const RENEW = '/_ganglion/client/email/renew';

/** Each asks for another e-mail: the same request once more is none. */
let attempts = 0;
const emailToken = (): Example => ({
  body: {
    ...{ client_secret: 'secret', email: 'somebody@example.org', send_attempt: ++attempts },
    next_link: 'https://app.example.org/',
  },
});
const telephoneToken = (): Example => ({
  body: { client_secret: 'secret', country: 'DE', phone_number: '0123', send_attempt: 1 },
  status: 400,
});
const credentials = { client_secret: 'secret', sid: 'x', id_server: '127.0.0.1:1', id_access_token: 'x' };
const removal = (): Example => ({ body: { medium: 'email', address: 'somebody@example.org' } });

/** Examples of what e-mail addresses are for, where e-mails are sent. */
export const CONTACT_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`GET ${V3}/account/3pid`]: () => ({}),
  [`POST ${V3}/account/3pid`]: () => ({ body: { three_pid_creds: credentials }, status: 502 }),
  [`POST ${V3}/account/3pid/add`]: ({ person: { userId: user, password } }) => ({
    body: {
      ...{ client_secret: 'secret', sid: 'x' },
      auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password },
    },
    status: 400,
  }),
  [`POST ${V3}/account/3pid/bind`]: () => ({ body: credentials, status: 502 }),
  [`POST ${V3}/account/3pid/delete`]: removal,
  [`POST ${V3}/account/3pid/unbind`]: removal,
  ...Object.fromEntries(
    ['register', 'account/password', 'account/3pid'].flatMap((path) => [
      [`POST ${V3}/${path}/email/requestToken`, emailToken],
      [`POST ${V3}/${path}/msisdn/requestToken`, telephoneToken],
    ]),
  ),
  [`GET ${CONFIRM}`]: () => ({ query: { sid: 'x', token: 'x' }, status: 404 }),
  [`GET ${RENEW}`]: () => ({ query: { token: 'x' } }),
  [`POST ${RENEW}`]: () => ({ query: { token: 'x' }, status: 404 }),
  'POST /_matrix/client/unstable/account_validity/send_mail': () => ({ status: 400 }),
  'POST /_synapse/admin/v1/account_validity/validity': ({ other }) => ({
    body: { user_id: other.userId, expiration_ts: 4_102_444_800_000 },
    status: 403,
  }),
  [`POST ${CONFIRM}`]: () => ({ query: { sid: 'x', token: 'x' }, status: 404 }),
};
