import { EXAMPLES, type Example, setScene } from './support/endpoint-examples.js';
import { FEDERATION_EXAMPLES } from './support/federation-examples.js';
import { Homeserver, type Replica, WITH_EMAIL } from './support/homeserver.js';
import { pathOf } from './support/hostile-input.js';
import { type Answer, exchange, Person } from './support/person.js';
import type { Scene } from './support/scene.js';

/** Answered to anybody; what other servers ask is signed in place of a token. */
const NEEDS_NO_TOKEN =
  /\/(?:versions|\.well-known\/|login|refresh|register|requestToken|auth\/:authType|static\/client\/login|openid\/userinfo|profile\/|publicRooms|_matrix\/media\/|_matrix\/key|_synapse\/admin\/v1\/register|_ganglion|delayed_events\/:delayId|federation\/v1\/version|federation\/v1\/3pid\/onbind|directory\/)/;
const REFUSALS = ['M_NOT_FOUND', 'M_FORBIDDEN', 'M_INVALID_PARAM', 'M_UNKNOWN', 'M_UNKNOWN_POS'];
const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'];

let homeserver: Homeserver;
let replica: Replica;
let scene: Scene;
let stranger: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start(WITH_EMAIL);
  scene = await setScene(replica.url);
  stranger = await Person.register(replica.url, 'stranger');
});
afterAll(() => homeserver.close());

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const methodOf = (route: string) => route.slice(0, route.indexOf(' '));
const ROUTES = Object.entries(EXAMPLES).filter(([route]) => !(route in FEDERATION_EXAMPLES));

function ask(
  route: string,
  example: Example,
  token: string | undefined,
  changes: Partial<Example> & { method?: string } = {},
) {
  const changed = { ...example, ...changes };
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return exchange(replica.url, changes.method ?? methodOf(route), pathOf(route, changed), {
    headers,
    body: changed.body,
  });
}

/** What is answered at a path, by whichever route. */
function methodsAt(path: string): ReadonlySet<string> {
  const parts = path.replace(/\?.*$/, '').split('/');
  const fits = (route: string) => {
    const own = route.split('/');
    return own.length === parts.length && own.every((part, i) => part.startsWith(':') || part === parts[i]);
  };
  const routes = [...replica.routes].filter(([route]) => fits(route));
  return new Set(routes.flatMap(([, methods]) => [...methods]));
}

const WITH_TOKEN = ROUTES.filter(([route]) => !NEEDS_NO_TOKEN.test(route));
const IN_ROOMS = ROUTES.filter(([route]) => route.includes(':roomId') && !route.includes('_synapse'));
const WITH_BODY = ROUTES.filter(([route]) => !route.startsWith('GET '));

it.each(WITH_TOKEN)(
  '%s tells who brings no token, or a wrong one, that they need another',
  async (route, makeExample) => {
    const example = await makeExample(scene);
    expect(refusal(await ask(route, example, 'wrong'))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    // Who has forgotten their password may show themselves by an e-mail instead.
    const errcode = route.endsWith('/account/password') ? 'M_FORBIDDEN' : 'M_MISSING_TOKEN';
    expect(refusal(await ask(route, example, undefined))).toEqual([401, errcode]);
  },
);

it.each(ROUTES)('%s: other methods are not known there', async (route, makeExample) => {
  const example = await makeExample(scene);
  const known = methodsAt(pathOf(route, example));
  for (const method of METHODS.filter((other) => !known.has(other))) {
    const answer = await ask(route, example, scene.person.token, { method });
    expect([method, ...refusal(answer)]).toEqual([method, 405, 'M_UNRECOGNIZED']);
  }
});

it.each(WITH_BODY)('%s says what is missing when a part of the body is', async (route, makeExample) => {
  const example = await makeExample(scene);
  for (const key of Object.keys(example.body ?? {})) {
    const { [key]: _, ...body } = example.body ?? {};
    const { status, body: answer } = await ask(route, example, stranger.token, { body });
    const isKnown =
      status < 400 || status === example.status || typeof answer.errcode === 'string' || Array.isArray(answer.flows);
    expect([key, status, isKnown && status !== 500]).toEqual([key, status, true]);
    if (answer.errcode === 'M_BAD_JSON') expect([key, answer.error]).toEqual([key, expect.stringContaining(key)]);
  }
});

it.each(IN_ROOMS)('%s: a room that there is not is not there, or none of theirs', async (route, makeExample) => {
  const example = await makeExample(scene);
  const params = { ...example.params, roomId: '!nobody-has-made-it:one.test' };
  const { status, body } = await ask(route, example, scene.person.token, { params });
  // Some are of one's own, whatever room they name; of others it is told that there is nothing.
  const saysSo = status === 200 || ([400, 403, 404].includes(status) && REFUSALS.includes(body.errcode));
  expect([status, body, saysSo]).toEqual([status, body, true]);
});
