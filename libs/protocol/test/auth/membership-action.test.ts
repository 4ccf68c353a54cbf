import { canStartFrom, type MembershipAction, membershipAfter } from '../../src/index.js';

const ALL = ['join', 'invite', 'knock', 'leave', 'ban'];

const ACTIONS: readonly (readonly [action: MembershipAction, from: readonly string[], to: string])[] = [
  ['join', ALL, 'join'],
  ['invite', ALL, 'invite'],
  ['knock', ALL, 'knock'],
  ['ban', ALL, 'ban'],
  ['leave', ['join', 'invite', 'knock'], 'leave'],
  ['kick', ['join', 'invite', 'knock'], 'leave'],
  ['unban', ['ban'], 'leave'],
];

describe('what users do to memberships', () => {
  it.each(ACTIONS)('%s starts from %j and leads to %s', (action, from, to) => {
    expect(ALL.filter((membership) => canStartFrom(action, membership))).toEqual(from);
    expect(membershipAfter(action)).toBe(to);
  });
});
