import { runAuthEventRules } from './auth-events.table.js';
import { runAuthRules } from './check-auth.js';
import { CREATE_RULES } from './create.table.js';
import { JOIN_RULES } from './join.table.js';
import { MEMBERSHIP_RULES } from './membership.table.js';
import { POWER_LEVEL_RULES } from './power-levels.table.js';
import { ROOM_RULES } from './room.table.js';
import { allowedBy, refusedBy } from './rule-table.js';
import { THIRD_PARTY_INVITE_RULES } from './third-party-invite.table.js';

describe('m.room.create', () => runAuthRules(CREATE_RULES));
describe('auth_events', () => runAuthEventRules());
describe('any event', () => runAuthRules(ROOM_RULES));
describe('joining', () => runAuthRules(JOIN_RULES));
describe('other memberships', () => runAuthRules(MEMBERSHIP_RULES));
describe('third-party invites', () => runAuthRules(THIRD_PARTY_INVITE_RULES));
describe('m.room.power_levels', () => runAuthRules(POWER_LEVEL_RULES));

/** Every rule that ends with "reject", as each version's page of the specification numbers it. */
const REJECTING_RULES: Readonly<Record<string, string>> = {
  ...versions(
    ['1', '2'],
    `1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2 ${members(5, 'v1')} 6 7.1 8 9
    10.1 10.3.1 10.3.2 10.4.1 10.5.1 10.6.1 10.7.1 11.3`,
  ),
  ...versions(
    ['3', '4', '5'],
    `1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2 ${members(5, 'v1')} 6 7.1 8 9
    10.1 10.3.1 10.3.2 10.4.1 10.5.1 10.6.1 10.7.1`,
  ),
  ...versions(
    ['6'],
    `1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 ${members(4, 'v1')} 5 6.1 7 8
    9.1 9.3.1 9.3.2 9.4.1 9.5.1 9.6.1 9.7.1`,
  ),
  ...versions(
    ['7'],
    `1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 ${members(4, 'v7')} 5 6.1 7 8
    9.1 9.3.1 9.3.2 9.4.1 9.5.1 9.6.1 9.7.1`,
  ),
  ...versions(
    ['8', '9'],
    `1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 ${members(4, 'v8')} 5 6.1 7 8
    9.1 9.3.1 9.3.2 9.4.1 9.5.1 9.6.1 9.7.1`,
  ),
  ...versions(
    ['10'],
    `1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 ${members(4, 'v8')} 5 6.1 7 8
    9.1 9.2 9.3 9.5.1 9.5.2 9.6.1 9.7.1 9.8.1 9.9.1`,
  ),
  ...versions(
    ['11'],
    `1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5 3 ${members(4, 'v8')} 5 6.1 7 8
    9.1 9.2 9.3 9.5.1 9.5.2 9.6.1 9.7.1 9.8.1 9.9.1`,
  ),
  ...versions(
    ['12'],
    `1.1 1.2 1.3 1.4 2 3.1 3.2 3.3 3.4 4 ${members(5, 'v8')} 6 7.1 8 9
    10.1 10.2 10.3 10.4 10.6.1 10.6.2 10.7.1 10.8.1 10.9.1 10.10.1`,
  ),
};

function versions(ids: readonly string[], numbers: string): Record<string, string> {
  return Object.fromEntries(ids.map((id) => [id, numbers]));
}

/** The rules of m.room.member, which version 7 adds knocking to and version 8 the authorised join. */
function members(rule: number, since: 'v1' | 'v7' | 'v8'): string {
  const third = (number: number) => [1, 2, 3, 4, 5, 6, 8].map((each) => `${number}.1.${each}`);
  const join = since === 'v8' ? ['2.1', '3.2', '3.3', '3.5.2', '3.7'] : ['2.2', '2.3', '2.6'];
  const invite = since === 'v8' ? 4 : 3;
  const invites = [...third(invite), ...[2, 3, 5].map((each) => `${invite}.${each}`)];
  const leaves = [1, 2, 3, 5].map((each) => `${invite + 1}.${each}`);
  const bans = [1, 3].map((each) => `${invite + 2}.${each}`);
  const knocks = since === 'v1' ? [] : [1, 2, 4].map((each) => `${invite + 3}.${each}`);
  const unknown = since === 'v1' ? `${invite + 3}` : `${invite + 4}`;
  return ['1', ...join, ...invites, ...leaves, ...bans, ...knocks, unknown].map((each) => `${rule}.${each}`).join(' ');
}

describe('the tables', () => {
  it.each(Object.entries(REJECTING_RULES))('have a refusal by every rule of version %s', (version, numbers) => {
    expect([...refusedBy.get(version)!].sort()).toEqual(numbers.split(/\s+/).sort());
  });

  it.each(Object.entries(REJECTING_RULES))('have a case that every rule of version %s lets in', (version, numbers) => {
    expect(numbers.split(/\s+/).filter((number) => !allowedBy.get(version)!.has(number))).toEqual([]);
  });
});
