import { mayRedact, powerLevelsOf, roomVersionRules } from '../../src/index.js';
import { ADMIN, event, MOD, powerLevels, ROOM, sends, stateOf, USER } from './room-builder.js';
import { ALL_VERSIONS } from './rule-table.js';

describe.each(ALL_VERSIONS)('in version %s', (version) => {
  const rules = roomVersionRules(version)!;
  const may = (userId: string, author: string, redact = 50) => {
    const levels = powerLevels({ users: { [ADMIN]: 100, [MOD]: 50 }, redact });
    return mayRedact(
      userId,
      event(sends(author, 'm.room.message'), rules).pdu,
      powerLevelsOf(stateOf([...ROOM, levels], rules), rules),
    );
  };

  it('everybody may redact what they sent themselves', () => {
    expect(may(USER, USER)).toBe(true);
    expect(may(USER, '@other:b.example')).toBe(false);
  });

  it('who has the power may redact what others sent', () => {
    expect(may(MOD, USER)).toBe(true);
    expect(may(MOD, USER, 51)).toBe(false);
    expect(may(ADMIN, USER, 51)).toBe(true);
  });
});
