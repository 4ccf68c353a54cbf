import { defaultPushRules, threadPushRules } from '@ganglion/protocol';
import { type Deployment, deploy } from './support/deployment.js';

const NOTIFY = { actions: ['notify'] };
const SUBSCRIBED = '.io.element.msc4306.rule.subscribed_thread';
let deployment: Deployment;
let counter = 0;
let userId: string;

beforeAll(async () => {
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  userId = `@user-${counter}:one.test`;
});

const call = (method: string, path: string, body?: unknown, replica?: 0 | 1) =>
  deployment.call(method, `pushrules/${path}`, userId, body, replica);
const rules = async () => (await call('GET', '')).body.global;
const put = (ruleId: string, query = '') => call('PUT', `global/sender/${encodeURIComponent(ruleId)}${query}`, NOTIFY);
const senders = async () => (await rules()).sender.map(({ rule_id }: { rule_id: string }) => rule_id);

describe('reading push rules', () => {
  it('answers the predefined rules to who changed none', async () => {
    expect((await call('GET', '')).body).toEqual({ global: defaultPushRules(userId) });
    expect((await call('GET', 'global/')).body).toEqual(defaultPushRules(userId));
  });

  it('answers one rule, whether it is enabled, and its actions', async () => {
    const { body } = await call('GET', 'global/override/.m.rule.is_user_mention');
    expect(body.conditions[0].value).toBe(userId);
    expect((await call('GET', 'global/override/.m.rule.master/enabled')).body).toEqual({ enabled: false });
    expect((await call('GET', 'global/underride/.m.rule.message/actions')).body).toEqual(NOTIFY);
  });

  it('answers the rules of one kind', async () => {
    await put('@x:x');
    for (const path of ['global/sender/', 'global/sender']) {
      expect((await call('GET', path)).body).toMatchObject([{ rule_id: '@x:x' }]);
    }
    expect((await call('GET', 'global/override/')).body).toEqual(defaultPushRules(userId).override);
  });

  it.each([
    ...[
      'device/',
      'device/override/',
      'device/override/x',
      'GLOBAL/override/x',
      'global/nothing/',
      'global/afterwards/x',
    ],
    ...[
      'global/override/x/nothing',
      'global/override/a%2Fb',
      'global/override/a%5Cb',
      'global/override//enabled',
      'global//x',
    ],
  ])('refuses the malformed path %s, whatever is asked of it', async (path) => {
    for (const method of ['GET', 'PUT', ...(path.split('/').length > 3 ? [] : ['DELETE'])]) {
      const { status, body } = await call(method, path, method === 'GET' ? undefined : { ...NOTIFY, conditions: [] });
      expect([method, status, body.errcode]).toEqual([
        method,
        400,
        expect.stringMatching(/^M_(INVALID|MISSING)_PARAM$/),
      ]);
    }
  });

  it.each(['global', 'global/override', 'global/override/', 'override/x'])(
    'sets and deletes nothing at %s',
    async (path) => {
      for (const method of ['PUT', 'DELETE']) {
        const { status, body } = await call(method, path, { ...NOTIFY, conditions: [] });
        expect([method, status, body.errcode]).toEqual([
          method,
          400,
          expect.stringMatching(/^M_(INVALID|MISSING)_PARAM$/),
        ]);
      }
    },
  );

  it.each(['', '/enabled', '/actions'])('knows no rule%s that is not there', async (part) => {
    for (const path of ['sender/nobody', 'content/.m.rule.master']) {
      const { status, body } = await call('GET', `global/${path}${part}`);
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
  });

  it('has none of threads where it makes no difference who follows them', async () => {
    for (const path of ['', SUBSCRIBED, `${SUBSCRIBED}/enabled`]) {
      const { status, body } = await call('GET', `global/postcontent/${path}`);
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
    const { status, body } = await call('PUT', `global/postcontent/${SUBSCRIBED}/enabled`, { enabled: false });
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
  });

  it('is not for guests, nor for nobody', async () => {
    const guest = await deployment.call('GET', 'pushrules/', '@guest:one.test');
    const nobody = await deployment.call('GET', 'pushrules/', 'nobody');
    expect([guest.status, nobody.status]).toEqual([403, 401]);
  });
});

describe('the rules of threads, where it matters who follows them', () => {
  let threaded: Deployment;
  beforeAll(async () => {
    threaded = await deploy({ threads: true });
  });
  afterAll(() => threaded.close());
  const ask = (method: string, path: string, body?: unknown) =>
    threaded.call(method, `pushrules/global/${path}`, userId, body);

  it('are listed with the others, and may be disabled', async () => {
    expect((await ask('GET', '')).body.postcontent).toEqual(threadPushRules());
    expect((await ask('GET', 'postcontent/')).body).toEqual(threadPushRules());
    expect((await ask('PUT', `postcontent/${SUBSCRIBED}/enabled`, { enabled: false })).status).toBe(200);
    expect((await ask('PUT', `postcontent/${SUBSCRIBED}/actions`, NOTIFY)).status).toBe(200);
    expect((await ask('GET', `postcontent/${SUBSCRIBED}`)).body).toMatchObject({ enabled: false, ...NOTIFY });
    expect((await ask('GET', `postcontent/${SUBSCRIBED}/enabled`)).body).toEqual({ enabled: false });
    const unknown = await ask('PUT', 'postcontent/mine/enabled', { enabled: false });
    expect([unknown.status, unknown.body.errcode]).toEqual([404, 'M_NOT_FOUND']);
  });

  it('are not added to', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const { status, body } = await ask(method, 'postcontent/mine', { ...NOTIFY, conditions: [] });
      expect([method, status, body.errcode]).toEqual([method, 400, 'M_INVALID_PARAM']);
    }
  });
});

describe('changing push rules', () => {
  it('puts a rule above the others of its kind, or where it is told', async () => {
    for (const ruleId of ['@c:x', '@a:x']) expect(await put(ruleId)).toEqual({ status: 200, body: {} });
    await put('@b:x', `?after=${encodeURIComponent('@a:x')}`);
    await put('@0:x', `?before=${encodeURIComponent('@a:x')}`);
    expect(await senders()).toEqual(['@0:x', '@a:x', '@b:x', '@c:x']);
    expect((await rules()).override).toEqual(defaultPushRules(userId).override);
  });

  it('keeps actions that are not known any more, as clients set them', async () => {
    await call('PUT', 'global/sender/%40x%3Ax', { actions: ['dont_notify'] });
    expect((await rules()).sender[0]).toEqual({
      ...{ rule_id: '@x:x', default: false, enabled: true },
      actions: ['dont_notify'],
    });
  });

  it('enables, disables and changes rules, predefined or own', async () => {
    await put('@x:x');
    for (const rule of ['sender/%40x%3Ax', 'underride/.m.rule.message']) {
      const actions = [{ set_tweak: 'highlight' }];
      expect((await call('PUT', `global/${rule}/enabled`, { enabled: false })).status).toBe(200);
      expect((await call('PUT', `global/${rule}/actions`, { actions })).status).toBe(200);
      expect((await call('GET', `global/${rule}`)).body).toMatchObject({ enabled: false, actions });
    }
  });

  it('deletes own rules only', async () => {
    await put('@x:x');
    expect(await call('DELETE', 'global/sender/%40x%3Ax')).toEqual({ status: 200, body: {} });
    expect(await senders()).toEqual([]);
    for (const path of ['sender/%40x%3Ax', 'override/.m.rule.master']) {
      expect((await call('DELETE', `global/${path}`)).status).toBe(404);
    }
  });

  it.each([
    ['an unknown kind', 'postcontent/x', NOTIFY, 400, 'M_INVALID_PARAM'],
    ['a reserved id', 'sender/.x', NOTIFY, 400, 'M_INVALID_PARAM'],
    ['a slash in the id', 'sender/a%2Fb', NOTIFY, 400, 'M_INVALID_PARAM'],
    ['no actions', 'sender/x', {}, 400, 'M_MISSING_PARAM'],
    ['actions that are none', 'sender/x', { actions: ['explode'] }, 400, 'M_INVALID_PARAM'],
    ['a content rule without a pattern', 'content/x', NOTIFY, 400, 'M_MISSING_PARAM'],
    ['a neighbour that is not there', 'sender/x?before=y', NOTIFY, 400, 'M_UNKNOWN'],
    ['a body that is a list', 'sender/x', [], 400, 'M_BAD_JSON'],
    ['a body that is missing', 'sender/x', undefined, 400, 'M_NOT_JSON'],
    ['enabled that is missing', 'override/.m.rule.master/enabled', {}, 400, 'M_MISSING_PARAM'],
    ['enabled that is text', 'override/.m.rule.master/enabled', { enabled: 'yes' }, 400, 'M_INVALID_PARAM'],
    ['enabled of no rule', 'override/x/enabled', { enabled: true }, 404, 'M_NOT_FOUND'],
    ['actions of no rule', 'override/x/actions', NOTIFY, 404, 'M_NOT_FOUND'],
  ])('refuses %s', async (_, path, body, status, errcode) => {
    const answer = await call('PUT', `global/${path}`, body);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    expect(await rules()).toEqual(defaultPushRules(userId));
  });

  it('passes on what the account data says to it', async () => {
    deployment.accountData.gone.add(userId);
    expect((await put('@x:x')).body.errcode).toBe('M_NOT_FOUND');
  });

  it('loses none of many changes at two replicas at once', async () => {
    const ids = Array.from({ length: 8 }, (_, i) => `@sender-${i}:x`);
    const answers = await Promise.all(
      ids.map((id, i) => call('PUT', `global/sender/${encodeURIComponent(id)}`, NOTIFY, i % 2 === 0 ? 0 : 1)),
    );
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    expect((await senders()).sort()).toEqual(ids);
  });
});
