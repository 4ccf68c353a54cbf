import { redactionApplies, roomVersionRules } from '../../src/index.js';
import { CREATOR, event, LEVELS, MOD, powerLevels, ROOM, sends, stateOf, USER } from './room-builder.js';
import { ALL_VERSIONS } from './rule-table.js';

const NEIGHBOUR = '@neighbour:b.example';

function applies(version: string, sender: string, author: string, redact = 50, room_id?: string): boolean {
  const rules = roomVersionRules(version)!;
  const redaction = event(sends(sender, 'm.room.redaction'), rules);
  const redacted = event(sends(author, 'm.room.message', {}, room_id === undefined ? {} : { room_id }), rules);
  return redactionApplies(redaction, redacted, stateOf([...ROOM, powerLevels({ ...LEVELS, redact })], rules), rules);
}

describe('redactionApplies', () => {
  it.each(ALL_VERSIONS)('needs the redact level or an event of the same server in version %s', (version) => {
    const later = Number(version) > 2;
    expect(applies(version, MOD, USER, 50)).toBe(true);
    expect(applies(version, MOD, USER, 51)).toBe(!later);
    expect(applies(version, USER, NEIGHBOUR, 51)).toBe(true);
    expect(applies(version, USER, USER, 51)).toBe(true);
    expect(applies(version, USER, MOD)).toBe(!later);
  });

  it.each(ALL_VERSIONS)('does not reach into other rooms in version %s', (version) => {
    expect(applies(version, USER, USER, 0, '!elsewhere:a.example')).toBe(false);
  });

  it('lets the creator of version 12 redact everything', () => {
    expect(applies('12', CREATOR, USER, 100)).toBe(true);
    expect(applies('11', CREATOR, USER, 100)).toBe(false);
  });
});
