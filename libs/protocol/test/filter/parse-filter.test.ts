import fc from 'fast-check';
import {
  InvalidFilterError,
  MAX_FILTER_ENTRY_LENGTH,
  MAX_FILTER_LIST_LENGTH,
  parseFilter,
  parseFilterJson,
  parseRoomEventFilter,
  parseRoomEventFilterJson,
} from '../../src/index.js';

const EVERYTHING = {
  event_fields: ['type', 'content', 'sender'],
  event_format: 'client',
  presence: { types: ['m.presence'], not_senders: ['@alice:example.com'], limit: 5 },
  account_data: { types: ['m.*'], not_types: ['m.push_rules'], senders: ['@alice:example.com'] },
  room: {
    rooms: ['!a:example.com'],
    not_rooms: ['!b:example.com'],
    include_leave: true,
    ephemeral: { types: ['m.receipt', 'm.typing'], not_rooms: ['!726s6s6q:example.com'] },
    state: { types: ['m.room.*'], lazy_load_members: true, include_redundant_members: false },
    timeline: {
      limit: 10,
      types: ['m.room.message'],
      rooms: ['!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM'],
      senders: ['@spammy:example.com'],
      contains_url: false,
      unread_thread_notifications: true,
      related_by_senders: ['@bob:example.com'],
      related_by_rel_types: ['m.thread'],
    },
    account_data: { not_types: ['m.tag'] },
  },
};

describe('a filter of the schema', () => {
  it('is accepted whole, and returned as it is', () => {
    expect(parseFilter(EVERYTHING)).toBe(EVERYTHING);
  });

  it('may be empty, and may hold what later versions bring', () => {
    expect(parseFilter({})).toEqual({});
    const later = { room: { timeline: { 'org.example.new': [1] } }, 'org.example': null };
    expect(parseFilter(later)).toBe(later);
  });

  it('may ask for no events at all', () => {
    expect(parseFilter({ room: { timeline: { limit: 0 } } })).toEqual({ room: { timeline: { limit: 0 } } });
  });
});

describe('a filter that breaks the schema is refused, and the property named', () => {
  const room = (part: string, filter: unknown) => ({ room: { [part]: filter } });
  const cases: [path: string, filter: unknown][] = [
    ['', null],
    ['', []],
    ['', 'not_an_object'],
    ['', undefined],
    ['event_fields', { event_fields: 'content' }],
    ['event_fields[1]', { event_fields: ['type', 7] }],
    ['event_format', { event_format: 'html' }],
    ['event_format', { event_format: null }],
    ['presence', { presence: 'not_an_object' }],
    ['presence.limit', { presence: { limit: '10' } }],
    ['account_data.types', { account_data: { types: {} } }],
    ['room', { room: [] }],
    ['room.rooms', { room: { rooms: '!a:b' } }],
    ['room.not_rooms[0]', { room: { not_rooms: ['#a:b'] } }],
    ['room.include_leave', { room: { include_leave: 'yes' } }],
    ...['ephemeral', 'state', 'timeline', 'account_data'].flatMap((part): [string, unknown][] => [
      [`room.${part}`, room(part, 'not_an_object')],
      [`room.${part}`, room(part, null)],
      [`room.${part}.rooms`, room(part, { rooms: 'not_a_list' })],
      [`room.${part}.rooms[0]`, room(part, { rooms: ['not_a_room_id'] })],
      [`room.${part}.not_rooms`, room(part, { not_rooms: 'not_a_list' })],
      [`room.${part}.senders`, room(part, { senders: 'not_a_list' })],
      [`room.${part}.senders[0]`, room(part, { senders: ['not_a_sender_id'] })],
      [`room.${part}.not_senders`, room(part, { not_senders: 'not_a_list' })],
      [`room.${part}.types`, room(part, { types: 'not_a_list' })],
      [`room.${part}.types[0]`, room(part, { types: [1] })],
      [`room.${part}.not_types[1]`, room(part, { not_types: ['m', null] })],
      [`room.${part}.limit`, room(part, { limit: -1 })],
      [`room.${part}.limit`, room(part, { limit: 1.5 })],
      [`room.${part}.limit`, room(part, { limit: 1e300 })],
      [`room.${part}.contains_url`, room(part, { contains_url: 1 })],
      [`room.${part}.lazy_load_members`, room(part, { lazy_load_members: 'true' })],
      [`room.${part}.include_redundant_members`, room(part, { include_redundant_members: 0 })],
      [`room.${part}.unread_thread_notifications`, room(part, { unread_thread_notifications: [] })],
      [`room.${part}.related_by_senders[0]`, room(part, { related_by_senders: ['m.thread'] })],
      [`room.${part}.related_by_rel_types`, room(part, { related_by_rel_types: 'm.thread' })],
    ]),
  ];
  it.each(cases)('%s', (path, filter) => {
    expect(() => parseFilter(filter)).toThrow(expect.objectContaining({ name: 'InvalidFilterError', path }));
  });

  it('says what was expected, in words', () => {
    expect(() => parseFilter({ room: { rooms: ['x'] } })).toThrow("The filter's room.rooms[0] must be a room id");
    expect(() => parseFilter(1)).toThrow('The filter must be an object');
  });

  it('refuses lists and entries beyond their limits', () => {
    const entries = (length: number) => ({ room: { rooms: new Array(length).fill('!a') } });
    const entry = (length: number) => ({ event_fields: ['a'.repeat(length)] });
    expect(() => parseFilter(entries(MAX_FILTER_LIST_LENGTH))).not.toThrow();
    expect(() => parseFilter(entries(MAX_FILTER_LIST_LENGTH + 1))).toThrow(InvalidFilterError);
    expect(() => parseFilter(entry(MAX_FILTER_ENTRY_LENGTH))).not.toThrow();
    expect(() => parseFilter(entry(MAX_FILTER_ENTRY_LENGTH + 1))).toThrow(InvalidFilterError);
  });
});

describe('a filter in a query parameter', () => {
  it('is read from JSON', () => {
    expect(parseFilterJson('{"room":{"timeline":{"limit":3}}}')).toEqual({ room: { timeline: { limit: 3 } } });
    expect(parseRoomEventFilterJson('{"lazy_load_members":true}')).toEqual({ lazy_load_members: true });
  });

  it.each(['', '{', 'abc', '{"limit":'])('is refused when it is not JSON: %j', (text) => {
    expect(() => parseFilterJson(text)).toThrow(InvalidFilterError);
    expect(() => parseRoomEventFilterJson(text)).toThrow(InvalidFilterError);
  });

  it('of /messages has the properties of a filter for rooms at its top', () => {
    expect(() => parseRoomEventFilter({ types: [7] })).toThrow(
      expect.objectContaining({ name: 'InvalidFilterError', path: 'types[0]' }),
    );
    expect(() => parseRoomEventFilter({ room: 'anything' })).not.toThrow();
  });
});

it('throws nothing of its own on any input', () => {
  const names = ['room', 'timeline', 'state', 'presence', 'types', 'senders', 'limit', 'rooms', 'event_fields'];
  const key = fc.oneof(fc.constantFrom(...names), fc.constantFrom('__proto__', 'constructor', 'length'));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (input) => {
      try {
        parseFilter(input);
        parseRoomEventFilter(input);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidFilterError);
      }
    }),
    { numRuns: 500 },
  );
});
