import { MatrixError } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import { UiaChallenge } from '../src/domain/uia-challenge.js';
import type { InteractiveRequest } from '../src/domain/uia-request.js';
import { type Stage, UserInteractiveAuth } from '../src/domain/user-interactive-auth.js';
import { PostgresUiaSessionStore } from '../src/storage/uia-session-store.js';
import { Deployment } from './support/deployment.js';

const FLOWS = [
  ['terms', 'password'],
  ['terms', 'ticket', 'password'],
];

const attempts: string[] = [];
const stages: Record<string, Stage> = {
  terms: async () => {},
  ticket: async () => {},
  password: async ({ fields }) => {
    attempts.push(String(fields.password));
    if (fields.password === 'malformed') throw new MatrixError(400, 'M_BAD_JSON', 'malformed');
    if (fields.password !== 'right') throw new MatrixError(401, 'M_FORBIDDEN', 'wrong');
  },
};

let deployment: Deployment;
let db: Database;
let one: UserInteractiveAuth;
let two: UserInteractiveAuth;

beforeAll(async () => {
  deployment = await Deployment.create();
  ({ db } = await deployment.start());
  one = new UserInteractiveAuth(new PostgresUiaSessionStore(db), stages);
  two = new UserInteractiveAuth(new PostgresUiaSessionStore((await deployment.start()).db), stages);
});
afterAll(() => deployment.close());
beforeEach(() => attempts.splice(0));

const request = (body: object, more: Partial<InteractiveRequest> = {}): InteractiveRequest => ({
  ...{ endpoint: 'POST /thing', userId: '@u:one.test', serverName: 'one.test', body: body as never },
  ...more,
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
async function challenge(passing: Promise<void>): Promise<any> {
  const error = await passing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UiaChallenge);
  return (error as UiaChallenge).toJSON();
}

const begin = async (body: object = { thing: 1 }) => (await challenge(one.pass(request(body), FLOWS))).session;

describe('a session', () => {
  it('begins with all flows, and without words about failure', async () => {
    const state = await challenge(one.pass(request({ thing: 1 }), FLOWS));
    const flows = FLOWS.map((flow) => ({ stages: flow }));
    expect(state).toEqual({ flows, params: {}, session: expect.any(String) });
  });

  it('is continued by any replica', async () => {
    const session = await begin();
    const after = await challenge(two.pass(request({ thing: 1, auth: { session, type: 'terms' } }), FLOWS));
    expect(after).toMatchObject({ session, completed: ['terms'] });
    const last = { thing: 1, auth: { session, type: 'password', password: 'right' } };
    await expect(one.pass(request(last), FLOWS)).resolves.toBeUndefined();
  });

  it('begins by itself with a first stage, and its state survives in the answer', async () => {
    const { session, completed } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
    expect(completed).toEqual(['terms']);
    const last = { thing: 1, auth: { session, type: 'password', password: 'right' } };
    await expect(two.pass(request(last), FLOWS)).resolves.toBeUndefined();
  });

  it('needs no session at all when one stage is enough', async () => {
    await expect(one.pass(request({ auth: { type: 'terms' } }), [['terms']])).resolves.toBeUndefined();
  });

  it('wants stages in order', async () => {
    const session = await begin();
    const early = { thing: 1, auth: { session, type: 'password', password: 'right' } };
    const state = await challenge(one.pass(request(early), FLOWS));
    expect(state).toMatchObject({ session, errcode: 'M_FORBIDDEN', error: expect.any(String) });
    expect(attempts).toEqual([]);
    const unknown = await challenge(one.pass(request({ thing: 1, auth: { session, type: 'magic' } }), FLOWS));
    expect(unknown.errcode).toBe('M_FORBIDDEN');
  });

  it('lets a failed stage be tried again', async () => {
    const { session } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
    const attempt = (password: string) => request({ thing: 1, auth: { session, type: 'password', password } });
    const state = await challenge(one.pass(attempt('bad'), FLOWS));
    expect(state).toMatchObject({ session, completed: ['terms'], errcode: 'M_FORBIDDEN', error: 'wrong' });
    await expect(one.pass(attempt('malformed'), FLOWS)).rejects.toMatchObject({ status: 400 });
    await expect(one.pass(attempt('right'), FLOWS)).resolves.toBeUndefined();
  });

  it('does not run a completed stage again', async () => {
    const { session } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
    const again = await challenge(one.pass(request({ thing: 1, auth: { session, type: 'terms' } }), FLOWS));
    expect(again.completed).toEqual(['terms']);
  });

  it('answers a request with nothing but the session with where it stands', async () => {
    const { session } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
    const state = await challenge(two.pass(request({ thing: 1, auth: { session } }), FLOWS));
    expect(state).toMatchObject({ session, completed: ['terms'] });
  });

  it('authorises one request, on however many replicas it is completed at once', async () => {
    for (let round = 0; round < 10; round++) {
      const { session } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
      const last = request({ thing: 1, auth: { session, type: 'password', password: 'right' } });
      const results = await Promise.allSettled([one, two, one, two].map((uia) => uia.pass(last, FLOWS)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  it('is replaced by a new one when it is unknown or has expired', async () => {
    const session = await begin();
    await db.query({ text: "UPDATE user_server.uia_sessions SET expires_at = now() - interval '1 second'" });
    for (const given of [session, 'unknown', '\0']) {
      const auth = { session: given, type: 'terms' };
      const state = await challenge(one.pass(request({ thing: 1, auth }), FLOWS));
      expect(state).toMatchObject({ errcode: 'M_UNKNOWN', session: expect.not.stringMatching(session) });
      expect(state.completed).toBeUndefined();
    }
  });
});

describe('a session belongs to', () => {
  it.each<[string, object, Partial<InteractiveRequest>]>([
    ['its endpoint', { thing: 1 }, { endpoint: 'POST /other' }],
    ['its user', { thing: 1 }, { userId: '@mallory:one.test' }],
    ['its request', { thing: 2 }, {}],
    ['its whole request', { thing: 1, more: true }, {}],
    ['its request, not to less', {}, {}],
  ])('%s', async (_, body, more) => {
    const session = await begin();
    const passing = one.pass(request({ ...body, auth: { session, type: 'terms' } }, more), FLOWS);
    await expect(passing).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  it('the first request that says something, when it began with an empty one', async () => {
    const session = await begin({});
    const terms = { session, type: 'terms' };
    expect(await challenge(two.pass(request({ thing: 1, auth: terms }), FLOWS))).toMatchObject({ session });
    const other = request({ thing: 2, auth: { session, type: 'password', password: 'right' } });
    await expect(one.pass(other, FLOWS)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('the same request written differently', async () => {
    const session = await begin({ a: 1, b: { c: 2, d: 3 } });
    const auth = { session, type: 'terms' };
    const state = await challenge(one.pass(request({ auth, b: { d: 3, c: 2 }, a: 1 }), FLOWS));
    expect(state.completed).toEqual(['terms']);
  });
});

describe('what is stored of a session', () => {
  it('is neither its id nor its request', async () => {
    const session = await begin({ new_password: 'tell nobody' });
    const { rows } = await db.query({
      text: 'SELECT * FROM user_server.uia_sessions ORDER BY expires_at DESC LIMIT 1',
    });
    const text = JSON.stringify(rows, (_, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value,
    );
    expect(text).not.toContain(session);
    expect(text).not.toContain('tell nobody');
  });

  it('is gone when it has been of use', async () => {
    const { session } = await challenge(one.pass(request({ thing: 9 }), [['terms']]));
    const count = async () => (await db.query({ text: 'SELECT 1 FROM user_server.uia_sessions' })).rows.length;
    const before = await count();
    await one.pass(request({ thing: 9, auth: { session, type: 'terms' } }), [['terms']]);
    expect(await count()).toBe(before - 1);
  });
});

describe('auth that is no auth', () => {
  it.each([[[]], ['text'], [{ type: 3 }], [{ session: {} }]])('is refused: %j', async (auth) => {
    await expect(one.pass(request({ auth }), FLOWS)).rejects.toMatchObject({ status: 400, errcode: 'M_BAD_JSON' });
  });

  it('may be null', async () => {
    expect(await challenge(one.pass(request({ auth: null }), FLOWS))).toHaveProperty('session');
  });
});
