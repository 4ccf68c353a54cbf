import type { Example, MakeExample, Scene } from './scene.js';

const V3 = '/_matrix/client/v3';
const RULES = `${V3}/pushrules/:scope`;
const RULE = `${RULES}/:kind/:ruleId`;

const nothing = (): Example => ({});

async function withPushRule({ person }: Scene): Promise<Example> {
  const rule = { actions: ['notify'], pattern: 'cake' };
  await person.must('PUT', 'pushrules/global/content/own', rule);
  return { params: { scope: 'global', kind: 'content', ruleId: 'own' } };
}

async function withAttribute(scene: Scene, attribute: string): Promise<Example> {
  const { params } = await withPushRule(scene);
  return { params: { ...params, attribute } };
}

/** Push rules, and who is pushed to. */
export const PUSH_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`GET ${V3}/pushrules`]: nothing,
  [`GET ${RULES}`]: () => ({ params: { scope: 'global' } }),
  [`PUT ${RULES}`]: () => ({ params: { scope: 'global' }, body: { actions: [] }, status: 400 }),
  [`DELETE ${RULES}`]: () => ({ params: { scope: 'global' }, status: 400 }),
  [`GET ${RULES}/:kind`]: () => ({ params: { scope: 'global', kind: 'content' } }),
  [`PUT ${RULES}/:kind`]: () => ({ params: { scope: 'global', kind: 'content' }, body: { actions: [] }, status: 400 }),
  [`DELETE ${RULES}/:kind`]: () => ({ params: { scope: 'global', kind: 'content' }, status: 400 }),
  [`GET ${RULE}`]: withPushRule,
  [`PUT ${RULE}`]: async (scene) => ({
    ...(await withPushRule(scene)),
    query: { before: '.m.rule.contains_user_name' },
    body: { actions: [], pattern: 'pie' },
    status: 400,
  }),
  [`DELETE ${RULE}`]: withPushRule,
  [`GET ${RULE}/:attribute`]: (scene) => withAttribute(scene, 'actions'),
  [`PUT ${RULE}/:attribute`]: async (scene) => ({
    ...(await withAttribute(scene, 'enabled')),
    body: { enabled: false },
  }),
  [`GET ${V3}/pushers`]: nothing,
  [`POST ${V3}/pushers/set`]: () => ({
    body: {
      ...{ app_id: 'org.example.app', pushkey: 'key', kind: 'http', lang: 'en', profile_tag: 'tag', append: false },
      ...{ app_display_name: 'App', device_display_name: 'Telephone' },
      data: { url: 'https://push.example.org/_matrix/push/v1/notify' },
    },
  }),
};
