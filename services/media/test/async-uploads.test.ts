import { ALICE, ask, BOB, pathOf } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let one: string;
let other: string;
let counter = 0;
let alice: string;

beforeAll(async () => {
  deployment = await deploy();
  one = await deployment.replica({ max_pending_uploads: 3 });
  other = await deployment.replica({ max_pending_uploads: 3 });
});
afterAll(() => deployment.close());
beforeEach(() => {
  alice = `@alice-${++counter}:one.test`;
});

const create = (url = one) => ask(url, 'POST', '/_matrix/media/v1/create', { as: alice, body: '{}' });
const newUri = async (): Promise<string> => (await create()).body.content_uri;
const put = (uri: string, body: string, as = alice, url = one) =>
  ask(url, 'PUT', `/_matrix/media/v3/upload/${uri.replace('mxc://', '')}`, {
    as,
    body,
    headers: { 'content-type': 'text/plain' },
  });
const get = (uri: string, timeoutMs: number, url = one) =>
  ask(url, 'GET', `${pathOf(uri)}?timeout_ms=${timeoutMs}`, { as: BOB });

describe('a URI that was made for an upload', () => {
  it('is filled once, and says until when it can be', async () => {
    const { status, body } = await create();
    expect(status).toBe(200);
    expect(body.unused_expires_at).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect(await put(body.content_uri, 'first', alice, other)).toMatchObject({ status: 200, body: {} });
    const again = await put(body.content_uri, 'second');
    expect([again.status, again.body.errcode]).toEqual([409, 'M_CANNOT_OVERWRITE_MEDIA']);
    expect((await get(body.content_uri, 0)).bytes.toString()).toBe('first');
  });

  it('takes one of many uploads at once', async () => {
    const uri = await newUri();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => put(uri, `number ${i}`, alice, i % 2 ? one : other)),
    );
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
    expect((await get(uri, 0)).bytes.toString()).toBe(`number ${winner}`);
  });

  it('is nothing yet, and somebody can wait for it at any replica', async () => {
    const uri = await newUri();
    const early = await get(uri, 0);
    expect([early.status, early.body.errcode]).toEqual([504, 'M_NOT_YET_UPLOADED']);
    const late = await get(uri, 100);
    expect([late.status, late.body.errcode]).toEqual([504, 'M_NOT_YET_UPLOADED']);
    const waiting = [get(uri, 60_000), get(uri, 60_000, other)];
    await put(uri, 'here it is');
    expect((await Promise.all(waiting)).map(({ bytes }) => bytes.toString())).toEqual(['here it is', 'here it is']);
  });

  it('is for who has made it', async () => {
    const uri = await newUri();
    const { status, body } = await put(uri, 'x', ALICE);
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect((await put(uri, 'x')).status).toBe(200);
  });

  it('that nobody has made takes nothing', async () => {
    for (const uri of ['mxc://one.test/nothing', 'mxc://elsewhere.test/nothing']) {
      const { status, body } = await put(uri, 'x');
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
  });

  it('ends when its time has run out', async () => {
    const short = await deployment.replica({ unused_lifetime_ms: 1 });
    const { body } = await create(short);
    const { status, body: refusal } = await put(body.content_uri, 'x');
    expect([status, refusal.errcode]).toEqual([404, 'M_NOT_FOUND']);
    expect((await get(body.content_uri, 0)).status).toBe(404);
  });

  it('is one of few that wait', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => create(i % 2 ? one : other)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.map(({ body }) => body.errcode)).toEqual(Array(7).fill('M_LIMIT_EXCEEDED'));
    await put(answers.find(({ status }) => status === 200)!.body.content_uri, 'x');
    expect((await create()).status).toBe(200);
  });
});
