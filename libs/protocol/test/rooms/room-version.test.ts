import { DEFAULT_ROOM_VERSION, ROOM_VERSIONS, type RoomVersionRules, roomVersionRules } from '../../src/index.js';

const ALL = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];

/** Every difference, with the first and the last version that has it. */
const DIFFERENCES: readonly (readonly [what: Partial<RoomVersionRules>, from: number, to: number])[] = [
  [{ stable: true }, 1, 12],
  [{ eventIdFormat: 'in-event' }, 1, 2],
  [{ eventIdFormat: 'base64' }, 3, 3],
  [{ eventIdFormat: 'base64url' }, 4, 12],
  [{ stateResolution: 'v1' }, 1, 1],
  [{ stateResolution: 'v2' }, 2, 11],
  [{ stateResolution: 'v2.1' }, 12, 12],
  [{ enforceKeyValidity: true }, 5, 12],
  [{ strictCanonicalJson: true }, 6, 12],
  [{ specialAliases: true }, 1, 5],
  [{ limitNotificationsPowerLevels: true }, 6, 12],
  [{ redactionAuthByDomain: true }, 1, 2],
  [{ knock: true }, 7, 12],
  [{ restrictedJoin: true }, 8, 12],
  [{ knockRestricted: true }, 10, 12],
  [{ integerPowerLevels: true }, 10, 12],
  [{ redactionKeepsJoinAuthorised: true }, 9, 12],
  [{ redactionKeepsJoinRulesAllow: true }, 8, 12],
  [{ updatedRedaction: true }, 11, 12],
  [{ redactsInContent: true }, 11, 12],
  [{ limitsKeysInBytes: true }, 11, 12],
  [{ implicitCreator: true }, 11, 12],
  [{ privilegedCreators: true }, 12, 12],
  [{ roomIdIsCreateHash: true }, 12, 12],
];

describe('the table of room versions', () => {
  it('holds those of the specification, oldest first', () => {
    expect(ROOM_VERSIONS.map((rules) => rules.id)).toEqual(ALL);
    expect(ALL.map((id) => roomVersionRules(id)?.id)).toEqual(ALL);
  });

  it.each(DIFFERENCES)('%j in versions %i to %i and in no other', (what, from, to) => {
    const having = ROOM_VERSIONS.filter((rules) =>
      Object.entries(what).every(([flag, value]) => rules[flag as never] === value),
    );

    expect(having.map((rules) => Number(rules.id))).toEqual(
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
    );
  });

  it('has no difference that is not listed here', () => {
    const listed = new Set(DIFFERENCES.flatMap(([what]) => Object.keys(what)));

    for (const rules of ROOM_VERSIONS) expect(Object.keys(rules).filter((flag) => !listed.has(flag))).toEqual(['id']);
  });

  it.each(['', '0', '13', ' 1', '01', 'constructor', '__proto__', 'org.example.version'])('does not know %j', (id) => {
    expect(roomVersionRules(id)).toBeUndefined();
  });

  it('makes new rooms of version 12', () => {
    expect(DEFAULT_ROOM_VERSION).toBe('12');
  });

  it('cannot be changed', () => {
    expect(ROOM_VERSIONS.every((rules) => Object.isFrozen(rules))).toBe(true);
  });
});
