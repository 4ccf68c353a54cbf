import { type JsonObject, roomsThatMayJoin, roomVersionRules } from '../../src/index.js';
import { numbersByVersion } from './rule-table.js';

const room = (room_id: JsonObject[string], type = 'm.room_membership') => ({ type, room_id });
const allow = [room('!a:a.example'), room('!b:b.example')];
const namedIn = (content: JsonObject | undefined, version = '12') => {
  const rooms = roomsThatMayJoin(content, roomVersionRules(version)!);
  return rooms && [...rooms];
};

describe('the rooms whose members may join a restricted room', () => {
  it.each([
    ['restricted', 'v1-7, v8-12 1'],
    ['knock_restricted', 'v1-9, v10-12 1'],
  ])('are named by the join rule %s in versions that know it', (join_rule, numbers) => {
    for (const [version, isKnown] of numbersByVersion(numbers)) {
      const expected = isKnown ? ['!a:a.example', '!b:b.example'] : undefined;
      expect([version, namedIn({ join_rule, allow }, version)]).toEqual([version, expected]);
    }
  });

  it.each([
    ['another join rule', { join_rule: 'invite', allow }],
    ['a join rule that is none', { join_rule: ['restricted'], allow }],
    ['no join rule', { allow }],
    ['no join rules', undefined],
  ])('do not exist with %s', (_title, content) => {
    expect(namedIn(content)).toBeUndefined();
  });

  it.each<[string, JsonObject[string]]>([
    ['nothing', null],
    ['no list', room('!a:a.example')],
    ['conditions of another type', [room('!a:a.example', 'org.example.x')]],
    ['rooms that are no text', [room(1), room(null), { type: 'm.room_membership' }]],
    ['conditions that are none', [1, null, 'x', []]],
  ])('are none where %s is allowed', (_title, allowed) => {
    expect(namedIn({ join_rule: 'restricted', allow: allowed })).toEqual([]);
  });
});
