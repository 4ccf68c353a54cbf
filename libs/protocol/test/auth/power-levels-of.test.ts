import { type JsonObject, type PowerLevels, powerLevelsOf, roomVersionRules } from '../../src/index.js';
import { ADMIN, CREATOR, create, type Draft, powerLevels, STRANGER, stateOf, USER } from './room-builder.js';
import { ALL_VERSIONS } from './rule-table.js';

function levelsIn(version: string, ...state: readonly Draft[]): PowerLevels {
  const rules = roomVersionRules(version)!;
  return powerLevelsOf(stateOf(state, rules), rules);
}

const withContent = (version: string, content: JsonObject) => levelsIn(version, create(), powerLevels(content));

describe('powerLevelsOf', () => {
  describe.each(ALL_VERSIONS)('in version %s', (version) => {
    it.each([
      ['an empty m.room.power_levels', withContent(version, {})],
      ['no m.room.power_levels', levelsIn(version, create())],
      [
        'levels that are none',
        withContent(version, { ban: {}, kick: 'x', redact: null, invite: [1], events: 1, notifications: 'room' }),
      ],
    ])('falls back to the defaults of the specification with %s', (_title, levels) => {
      expect(levels).toMatchObject({ ban: 50, kick: 50, redact: 50, invite: 0 });
      expect(levels.forEvent('m.room.message', false)).toBe(0);
      expect(levels.forEvent('m.room.topic', true)).toBe(50);
      expect(levels.notification('room')).toBe(50);
      expect(levels.forUser(USER)).toBe(0);
    });

    it('reads every level', () => {
      const levels = withContent(version, {
        ban: 1,
        kick: 2,
        redact: 3,
        invite: 4,
        events_default: 5,
        state_default: 6,
        users_default: 7,
        users: { [ADMIN]: 8 },
        events: { 'm.room.message': 9, 'm.room.topic': 10 },
        notifications: { room: 11, 'org.example.all': 12 },
      });
      expect(levels).toMatchObject({ ban: 1, kick: 2, redact: 3, invite: 4 });
      expect(levels.forEvent('m.room.encrypted', false)).toBe(5);
      expect(levels.forEvent('m.room.name', true)).toBe(6);
      expect(levels.forUser(USER)).toBe(7);
      expect(levels.forUser(ADMIN)).toBe(8);
      expect(levels.forEvent('m.room.message', false)).toBe(9);
      expect(levels.forEvent('m.room.message', true)).toBe(9);
      expect(levels.forEvent('m.room.topic', true)).toBe(10);
      expect(levels.notification('room')).toBe(11);
      expect(levels.notification('org.example.all')).toBe(12);
    });

    it('finds nothing under names that every object inherits', () => {
      const levels = withContent(version, { users: {}, events: {}, notifications: {} });
      expect(levels.forUser('constructor')).toBe(0);
      expect(levels.forEvent('toString', true)).toBe(50);
      expect(levels.notification('__proto__')).toBe(50);
    });

    it('knows no creator in a room without m.room.create', () => {
      expect(levelsIn(version).forUser(CREATOR)).toBe(0);
    });
  });

  it.each(ALL_VERSIONS.slice(0, -1))('gives the creator 100 without m.room.power_levels in version %s', (version) => {
    expect(levelsIn(version, create()).forUser(CREATOR)).toBe(100);
    expect(withContent(version, { users_default: 3 }).forUser(CREATOR)).toBe(3);
  });

  it.each([
    ['10', USER],
    ['11', CREATOR],
  ])('takes for the creator of a version %s room: %s', (version, creator) => {
    const levels = levelsIn(version, create({ creator: USER }));
    expect([CREATOR, USER].filter((userId) => levels.forUser(userId) === 100)).toEqual([creator]);
  });

  it('sets the creators of version 12 above all', () => {
    const levels = levelsIn('12', create({ additional_creators: [STRANGER] }), powerLevels({ users_default: 9 }));
    expect(levels.forUser(CREATOR)).toBe(Number.POSITIVE_INFINITY);
    expect(levels.forUser(STRANGER)).toBe(Number.POSITIVE_INFINITY);
    expect(levels.forUser(USER)).toBe(9);
  });

  it('has no additional creators before version 12 and takes nothing but a list for them', () => {
    expect(levelsIn('11', create({ additional_creators: [STRANGER] })).forUser(STRANGER)).toBe(0);
    expect(levelsIn('12', create({ additional_creators: `${STRANGER}!` })).forUser(STRANGER)).toBe(0);
  });

  it.each([
    ['"100"', '100', 100],
    ['leading zeroes', '000100', 100],
    ['a plus', '+100', 100],
    ['a minus', '-100', -100],
    ['spaces around', ' \t100\n ', 100],
    ['all of them', ' +00100 ', 100],
    ['a float', 50.57, 50],
    ['a negative float', -50.57, -50],
    ['an exponent', 5.114698e4, 51146],
    ['a float in a string', '50.5', undefined],
    ['an exponent in a string', '1e2', undefined],
    ['a hexadecimal string', '0x10', undefined],
    ['an empty string', '', undefined],
    ['a sign alone', '-', undefined],
    ['two numbers', '1 2', undefined],
    ['a sign apart', '- 1', undefined],
    ['a long run of digits', '9'.repeat(400), undefined],
    ['the greatest integer in a string', '9007199254740991', Number.MAX_SAFE_INTEGER],
    ['one more', '9007199254740992', 9_007_199_254_740_992],
    ['what is far more', 1e30, 1e30],
    ['what is far less in a string', `-1${'0'.repeat(30)}`, -1e30],
    ['infinity', Number.POSITIVE_INFINITY, undefined],
    ['no number', Number.NaN, undefined],
    ['true', true, undefined],
    ['null', null, undefined],
  ] as const)('reads %s in versions 1 to 9, and only integers later', (_title, value, expected) => {
    for (const version of ALL_VERSIONS) {
      const lenient = Number(version) < 10 ? expected : undefined;
      expect(withContent(version, { ban: value }).ban).toBe(lenient ?? 50);
      expect(withContent(version, { users: { [ADMIN]: value } }).forUser(ADMIN)).toBe(lenient ?? 0);
    }
  });
});
