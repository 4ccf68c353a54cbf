import { InviteRules } from '../../src/invites/invite-rules.js';

const STABLE = 'm.invite_permission_config';
const LISTS = 'org.matrix.msc4155.invite_permission_config';
const BOB = '@bob:two.test';

it.each([
  ['nothing is said', {}, 'allow'],
  ['everything is blocked', { [STABLE]: { default_action: 'block' } }, 'block'],
  ['something else is said', { [STABLE]: { default_action: 'maybe' } }, 'allow'],
  ['it is no object', { [STABLE]: 'block', [LISTS]: [1] }, 'allow'],
  ['the user is blocked', { [LISTS]: { blocked_users: [BOB] } }, 'block'],
  ['the user is ignored', { [LISTS]: { ignored_users: ['@b?b:*'] } }, 'ignore'],
  ['the server is blocked', { [LISTS]: { blocked_servers: ['*.test'] } }, 'block'],
  ['the user is allowed of a blocked server', { [LISTS]: { allowed_users: [BOB], blocked_servers: ['*'] } }, 'allow'],
  ['the user is blocked of an allowed server', { [LISTS]: { blocked_users: [BOB], allowed_servers: ['*'] } }, 'block'],
  ['the user is both blocked and ignored', { [LISTS]: { blocked_users: [BOB], ignored_users: [BOB] } }, 'ignore'],
  ['the lists are switched off', { [LISTS]: { enabled: false, blocked_users: [BOB] } }, 'allow'],
  ['the lists are malformed', { [LISTS]: { blocked_users: [5, null, {}], blocked_servers: 'x' } }, 'allow'],
  [
    'everything is blocked but the user',
    { [STABLE]: { default_action: 'block' }, [LISTS]: { allowed_users: [BOB] } },
    'allow',
  ],
])('where %s', (_, contents, verdict) => {
  expect(new InviteRules(contents).verdict(BOB)).toBe(verdict);
});
