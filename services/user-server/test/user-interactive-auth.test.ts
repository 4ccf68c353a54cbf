import { MatrixError } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import { UiaChallenge } from '../src/domain/uia-challenge.js';
import type { InteractiveRequest } from '../src/domain/uia-request.js';
import { UiaSessions } from '../src/domain/uia-sessions.js';
import { type Stage, UserInteractiveAuth } from '../src/domain/user-interactive-auth.js';
import { oncePerSession, PostgresUiaSessionStore } from '../src/storage/uia-session-store.js';
import { Deployment } from './support/deployment.js';

const FLOWS = [
  ['terms', 'password'],
  ['terms', 'ticket', 'password'],
];

const attempts: string[] = [];
const stages: Record<string, Stage> = {
  terms: { attempt: async () => {} },
  ticket: { params: { price: 5 }, attempt: async ({ fields }) => fields.number },
  password: {
    attempt: async ({ fields }) => {
      attempts.push(String(fields.password));
      if (fields.password === 'malformed') throw new MatrixError(400, 'M_BAD_JSON', 'malformed');
      if (fields.password !== 'right') throw new MatrixError(401, 'M_FORBIDDEN', 'wrong');
    },
  },
};

let deployment: Deployment;
let db: Database;
let one: Doer;
let two: Doer;
const begun: string[] = [];
let allowed = true;
const limiter = {
  async take(name: string, key: string) {
    begun.push(`${name} ${key}`);
    return { allowed, retryAfterMs: allowed ? 0 : 5 };
  },
};

/** Does something, once for each session, and counts how often. */
class Doer {
  done = 0;
  readonly #uia: UserInteractiveAuth;

  constructor(private readonly database: Database) {
    this.#uia = new UserInteractiveAuth(new UiaSessions(new PostgresUiaSessionStore(database), limiter), stages);
  }

  pass(request: InteractiveRequest, flows: readonly string[][]): Promise<unknown> {
    return this.#uia.perform(request, async (attempt) => {
      await attempt.pass(flows);
      const result = { parameters: attempt.parameters, token: Math.random() };
      const completion = attempt.completion(result);
      const stored = await this.database.transaction((tx) =>
        oncePerSession(tx, completion, async () => request.body.refuse !== true),
      );
      if (!stored) throw new MatrixError(400, 'M_UNKNOWN', 'refused');
      this.done += 1;
      return result;
    });
  }
}

beforeAll(async () => {
  deployment = await Deployment.create();
  ({ db } = await deployment.start());
  one = new Doer(db);
  two = new Doer((await deployment.start()).db);
});
afterAll(() => deployment.close());
beforeEach(() => attempts.splice(0));

const request = (body: object, more: Partial<InteractiveRequest> = {}): InteractiveRequest => ({
  ...{
    endpoint: 'POST /thing',
    userId: '@u:one.test',
    serverName: 'one.test',
    address: '192.0.2.7',
    body: body as never,
  },
  ...more,
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
async function challenge(passing: Promise<unknown>): Promise<any> {
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
    expect(state).toEqual({ flows, params: { ticket: { price: 5 } }, session: expect.any(String) });
  });

  it('is continued by any replica', async () => {
    const session = await begin();
    const after = await challenge(two.pass(request({ thing: 1, auth: { session, type: 'terms' } }), FLOWS));
    expect(after).toMatchObject({ session, completed: ['terms'] });
    const last = { thing: 1, auth: { session, type: 'password', password: 'right' } };
    await expect(one.pass(request(last), FLOWS)).resolves.toMatchObject({ token: expect.any(Number) });
  });

  it('begins by itself with a first stage, and its state survives in the answer', async () => {
    const { session, completed } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
    expect(completed).toEqual(['terms']);
    const last = { thing: 1, auth: { session, type: 'password', password: 'right' } };
    await expect(two.pass(request(last), FLOWS)).resolves.toMatchObject({ token: expect.any(Number) });
  });

  it('needs no session at all when one stage is enough', async () => {
    await expect(one.pass(request({ auth: { type: 'terms' } }), [['terms']])).resolves.toMatchObject({
      token: expect.any(Number),
    });
  });

  it('wants stages in order', async () => {
    const session = await begin();
    const early = { thing: 1, auth: { session, type: 'password', password: 'right' } };
    const state = await challenge(one.pass(request(early), FLOWS));
    expect(state).toMatchObject({ session, completed: [], errcode: 'M_FORBIDDEN', error: expect.any(String) });
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
    await expect(one.pass(attempt('right'), FLOWS)).resolves.toMatchObject({ token: expect.any(Number) });
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

  it('carries out its request once, and gives the same result to all who repeat it', async () => {
    for (let round = 0; round < 10; round++) {
      const { session } = await challenge(one.pass(request({ thing: 1, auth: { type: 'terms' } }), FLOWS));
      const last = request({ thing: 1, auth: { session, type: 'password', password: 'right' } });
      const before = one.done + two.done;
      const results = await Promise.all([one, two, one, two].map((uia) => uia.pass(last, FLOWS)));
      results.push(await two.pass(last, FLOWS));
      expect(one.done + two.done).toBe(before + 1);
      expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    }
  });

  it('gives its result again whatever is true of its stages by then', async () => {
    const session = await begin();
    const attempt = (password: string) => request({ thing: 1, auth: { session, type: 'password', password } });
    await challenge(one.pass(request({ thing: 1, auth: { session, type: 'terms' } }), FLOWS));
    const first = await one.pass(attempt('right'), FLOWS);
    expect(await two.pass(attempt('wrong by now'), FLOWS)).toEqual(first);
    expect(await two.pass(request({ auth: { session } }), FLOWS)).toEqual(first);
  });

  it('lets a request be tried again that was refused after its authentication', async () => {
    const { session } = await challenge(one.pass(request({ auth: { type: 'terms' } }), FLOWS));
    const auth = { session, type: 'password', password: 'right' };
    await expect(one.pass(request({ auth, refuse: true }), FLOWS)).rejects.toMatchObject({ status: 400 });
    await expect(two.pass(request({ auth, refuse: true }), FLOWS)).rejects.toMatchObject({ status: 400 });
    expect(attempts).toEqual(['right']);
  });

  it('is replaced by a new one when it is unknown or has expired', async () => {
    const session = await begin();
    await db.query({ text: "UPDATE user_server.uia_sessions SET expires_at = now() - interval '1 second'" });
    for (const given of [session, 'unknown', '\0']) {
      const auth = { session: given, type: 'terms' };
      const state = await challenge(one.pass(request({ thing: 1, auth }), FLOWS));
      expect(state).toMatchObject({ errcode: 'M_UNKNOWN', session: expect.not.stringMatching(session) });
      expect(state.completed).toEqual([]);
    }
  });
});

describe('a session belongs to', () => {
  it.each<[string, object, Partial<InteractiveRequest>]>([
    ['its endpoint', { thing: 1 }, { endpoint: 'POST /other' }],
    ['its user', { thing: 1 }, { userId: '@mallory:one.test' }],
    ['its request', { thing: 2 }, {}],
    ['its user, not to nobody', { thing: 1 }, { userId: undefined as never }],
    ['its request, whatever is added', { more: true, thing: 2 }, {}],
    ['its request, whatever is like it', { thing: '1' }, {}],
  ])('%s', async (_, body, more) => {
    const session = await begin();
    const passing = one.pass(request({ ...body, auth: { session, type: 'terms' } }, more), FLOWS);
    await expect(passing).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  it('the first word on each parameter', async () => {
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

describe('a session remembers', () => {
  const complete = (body: object, session: string) =>
    two.pass(request({ ...body, auth: { session, type: 'terms' } }), [['terms']]);

  it('what was asked for, so that the next request may leave it out', async () => {
    const session = await begin({ thing: 1, list: ['a'], nothing: null });
    expect(await complete({}, session)).toMatchObject({ parameters: { thing: 1, list: ['a'] } });
  });

  it('what is added', async () => {
    const session = await begin({ thing: 1 });
    await challenge(two.pass(request({ more: true, auth: { session } }), [['terms']]));
    expect(await complete({ thing: null, last: 'x' }, session)).toMatchObject({
      parameters: { thing: 1, more: true, last: 'x' },
    });
  });

  it('everything that two requests add at once', async () => {
    for (let round = 0; round < 5; round++) {
      const session = await begin({});
      const add = (uia: Doer, name: string) =>
        challenge(uia.pass(request({ [name]: 1, auth: { session } }), [['terms']]));
      await Promise.all([add(one, 'a'), add(two, 'b'), add(one, 'c')]);
      expect(await complete({}, session)).toMatchObject({ parameters: { a: 1, b: 1, c: 1 } });
    }
  });

  it('no more than somebody may store who has shown nothing', async () => {
    const large = request({ thing: 'x'.repeat(9_000) });
    const anonymous = { ...large, userId: undefined as never };
    await expect(one.pass(anonymous, FLOWS)).rejects.toMatchObject({ status: 413, errcode: 'M_TOO_LARGE' });
    const session = (await challenge(one.pass(large, FLOWS))).session;
    const more = request({ more: 'x'.repeat(60_000), auth: { session } });
    await expect(one.pass(more, FLOWS)).rejects.toMatchObject({ status: 413, errcode: 'M_TOO_LARGE' });
  });
});

describe('sessions', () => {
  beforeEach(() => begun.splice(0));

  it('are counted by address where they begin, and nowhere else', async () => {
    const session = await begin();
    await challenge(one.pass(request({ auth: { session, type: 'terms' } }), FLOWS));
    expect(begun).toEqual(['auth_sessions 192.0.2.7']);
    await challenge(one.pass(request({ thing: 1, auth: { type: 'password', password: 'right' } }), FLOWS));
    await challenge(one.pass(request({ thing: 1, auth: { type: 'terms', session: 'unknown' } }), FLOWS));
    expect(begun).toHaveLength(3);
  });

  it('do not begin when too many have, and nothing is stored', async () => {
    const count = async () => (await db.query({ text: 'SELECT 1 FROM user_server.uia_sessions' })).rows.length;
    const before = await count();
    allowed = false;
    const passing = one.pass(request({ thing: 1 }), FLOWS);
    await expect(passing).rejects.toMatchObject({ status: 429, errcode: 'M_LIMIT_EXCEEDED' });
    allowed = true;
    expect(await count()).toBe(before);
  });
});

describe('what is stored of a session', () => {
  it('shows neither its id nor its request nor its result', async () => {
    const session = await begin({ new_password: 'tell nobody' });
    await one.pass(request({ auth: { session, type: 'terms' } }), [['terms']]);
    const { rows } = await db.query({
      text: 'SELECT * FROM user_server.uia_sessions ORDER BY expires_at DESC LIMIT 1',
    });
    expect(rows[0]).toMatchObject({ result: expect.any(Buffer) });
    const text = Object.values(rows[0] ?? {}).map((value) =>
      Buffer.isBuffer(value) ? value.toString('latin1') : value,
    );
    for (const secret of [session, 'tell nobody', 'new_password', 'token']) expect(text.join()).not.toContain(secret);
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
