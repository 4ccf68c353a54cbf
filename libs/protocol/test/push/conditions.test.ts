import { ALICE, BOB, eventOf, holds, LARGE_ROOM, message, ROOM } from './rules-for-tests.js';

const topic = (value: unknown) => eventOf({ type: 'm.room.topic', state_key: '', content: { topic: value as string } });

describe('event_match', () => {
  it.each<[string, unknown, boolean]>([
    ['lunc?*', 'Lunch plans', true],
    ['lunc?*', 'LUNCH', true],
    ['lunc?*', ' lunch', false],
    ['lunc?*', 'lunc', false],
    ['lunc?*', null, false],
    ['lunch', 'lunch plans', false],
    ['*', 'anything', true],
    ['*', '', true],
    ['', '', true],
    ['*', undefined, false],
    ['*', 7, false],
    ['*', true, false],
    ['*', ['anything'], false],
    ['*', {}, false],
    ['STRASSE', 'strasse', true],
  ])('%j against a topic of %j: %s', (pattern, value, expected) => {
    expect(holds({ kind: 'event_match', key: 'content.topic', pattern }, topic(value))).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ['type', 'm.room.topic', true],
    ['room_id', ROOM, true],
    ['sender', BOB, true],
    ['state_key', '', true],
    ['state_key', '?', false],
    ['content', '*', false],
    ['content.m\\.dotted.a\\\\b', 'yes', true],
    ['content.m.dotted.a', '*', false],
    ['content.constructor.name', '*', false],
    ['', '*', false],
  ])('looks at the property at %j', (key, pattern, expected) => {
    const event = eventOf({
      type: 'm.room.topic',
      state_key: '',
      content: { topic: 'x', 'm.dotted': { 'a\\b': 'yes' } },
    });
    expect(holds({ kind: 'event_match', key, pattern }, event)).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ['ex*ple', 'An example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'An exciting triple-whammy', true],
    ['cake', 'Cake!', true],
    ['cake', 'pancake', false],
    ['', 'anything', true],
  ])('%j stands between word boundaries of the body %j: %s', (pattern, body, expected) => {
    expect(holds({ kind: 'event_match', key: 'content.body', pattern }, message(body))).toBe(expected);
  });

  it('matches only the body by words', () => {
    const event = message('x', { other: 'one two' });
    expect(holds({ kind: 'event_match', key: 'content.other', pattern: 'two' }, event)).toBe(false);
  });
});

describe('event_property_is', () => {
  const event = eventOf({
    content: { 'm.federate': true, count: 3, text: 'Text', nothing: null, list: [1], object: {}, float: 1.5 },
  });
  it.each<[string, unknown, boolean]>([
    ['m\\.federate', true, true],
    ['m\\.federate', 'true', false],
    ['m\\.federate', 1, false],
    ['count', 3, true],
    ['count', '3', false],
    ['text', 'Text', true],
    ['text', 'text', false],
    ['text', 'Te*', false],
    ['nothing', null, true],
    ['absent', null, false],
    ['absent', undefined, false],
    ['list', 1, false],
    ['list', [1], false],
    ['object', {}, false],
    ['float', 1.5, false],
  ])('content.%s is %j: %s', (name, value, expected) => {
    expect(holds({ kind: 'event_property_is', key: `content.${name}`, value }, event)).toBe(expected);
  });
});

describe('event_property_contains', () => {
  const event = eventOf({
    content: {
      alt_aliases: ['#somewhere:example.org', '#myroom:example.com'],
      mixed: [1, null, true, {}, [1]],
      text: 'ab',
    },
  });
  it.each<[string, unknown, boolean]>([
    ['alt_aliases', '#myroom:example.com', true],
    ['alt_aliases', ':example.com', false],
    ['alt_aliases', '#MYROOM:example.com', false],
    ['mixed', 1, true],
    ['mixed', '1', false],
    ['mixed', null, true],
    ['mixed', true, true],
    ['mixed', false, false],
    ['mixed', {}, false],
    ['text', 'a', false],
    ['absent', null, false],
  ])('content.%s contains %j: %s', (name, value, expected) => {
    expect(holds({ kind: 'event_property_contains', key: `content.${name}`, value }, event)).toBe(expected);
  });
});

describe('contains_display_name', () => {
  it.each<[string | undefined, string, boolean]>([
    ['Alice', 'hello alice', true],
    ['Alice', 'hello ALICE!', true],
    ['Alice', 'malice', false],
    ['Alice', 'alices', false],
    ['Alice W.', 'ask alice w. about it', true],
    ['A*', 'anything', false],
    ['A*', 'ask a* about it', true],
    ['?', 'a', false],
    ['', 'anything', false],
    [undefined, 'anything', false],
    ['a'.repeat(300), `hello ${'a'.repeat(300)}`, true],
    ['a'.repeat(300), `hello ${'a'.repeat(299)}`, false],
  ])('the name %j in %j: %s', (displayName, body, expected) => {
    expect(holds({ kind: 'contains_display_name' }, message(body), LARGE_ROOM, displayName)).toBe(expected);
  });

  it('looks at nothing but a body that is text', () => {
    const event = eventOf({ content: { body: 7, other: 'Alice' } });
    expect(holds({ kind: 'contains_display_name' }, event, LARGE_ROOM, 'Alice')).toBe(false);
  });
});

describe('room_member_count', () => {
  it.each<[unknown, number[]]>([
    ['2', [2]],
    ['==2', [2]],
    ['<2', [0, 1]],
    ['<=2', [0, 1, 2]],
    ['>2', [3]],
    ['>=2', [2, 3]],
    ['02', [2]],
    [2, []],
    ['', []],
    ['=2', []],
    ['!=2', []],
    ['=<2', []],
    ['-2', []],
    ['2.0', []],
    [' 2', []],
    ['two', []],
    ['9'.repeat(400), []],
    [undefined, []],
  ])('%j holds for %j of 0 to 3 members', (is, expected) => {
    const counts = [0, 1, 2, 3].filter((memberCount) =>
      holds({ kind: 'room_member_count', is }, message('x'), { ...LARGE_ROOM, memberCount }),
    );
    expect(counts).toEqual(expected);
  });
});

describe('sender_notification_permission', () => {
  const levels = (sender: number) => ({
    memberCount: 12,
    powerLevels: {
      forUser: (userId: string) => (userId === BOB ? sender : -1),
      notification: (key: string) => (key === 'room' ? 50 : 20),
    },
  });
  it.each<[unknown, number, boolean]>([
    ['room', 50, true],
    ['room', 49, false],
    ['room', 100, true],
    ['room', Number.POSITIVE_INFINITY, true],
    ['org.example.thing', 20, true],
    ['org.example.thing', 19, false],
    [undefined, 100, false],
    [7, 100, false],
  ])('to notify by %j with a level of %s: %s', (key, level, expected) => {
    expect(holds({ kind: 'sender_notification_permission', key }, message('x'), levels(level))).toBe(expected);
  });
});

describe('what is not understood', () => {
  it.each([
    [{ kind: 'org.example.unknown' }],
    [{ kind: 'device', profile_tag: 'x' }],
    [{ kind: 'event_match', key: 'type' }],
    [{ kind: 'event_match', pattern: '*' }],
    [{ kind: 'event_match', key: 7, pattern: '*' }],
    [{ kind: 'event_property_is', value: null }],
    [{ kind: 'event_property_contains', value: null }],
    [{ kind: 'event_property_is', key: 'type' }],
  ])('matches nothing: %j', (condition) => {
    expect(holds(condition, message('x'))).toBe(false);
  });

  it("means no user by the placeholder that the predefined rules have for their owner's id", () => {
    const event = eventOf({ state_key: ALICE, content: { list: [ALICE, '@'] } });
    expect(holds({ kind: 'event_match', key: 'state_key', pattern: '@' }, event)).toBe(false);
    expect(holds({ kind: 'event_property_contains', key: 'content.list', value: '@' }, event)).toBe(true);
  });
});
