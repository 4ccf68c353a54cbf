import {
  applyEventFields,
  compileFilter,
  compileRoomEventFilter,
  FILTER_LIMITS,
  type RoomEventFilter,
} from '../../src/index.js';

const message = { type: 'm.room.message', sender: '@alice:example.org', content: { body: 'hi' } };
const image = { type: 'm.room.message', sender: '@bob:example.org', content: { url: 'mxc://example.org/a' } };
const member = { type: 'm.room.member', sender: '@alice:example.org', content: { membership: 'join' } };
const tag = { type: 'm.tag' };

describe('which events a filter lets through', () => {
  const all = { message, image, member, tag };
  const cases: [name: string, filter: RoomEventFilter, allowed: (keyof typeof all)[]][] = [
    ['all without a filter', {}, ['message', 'image', 'member', 'tag']],
    ['only the types listed', { types: ['m.room.message'] }, ['message', 'image']],
    ['none when the list of types is empty', { types: [] }, []],
    ['types by a star', { types: ['m.room.*'] }, ['message', 'image', 'member']],
    ['types by a star in the middle', { types: ['m.*.member'] }, ['member']],
    ['all types by a star alone', { types: ['*'] }, ['message', 'image', 'member', 'tag']],
    ['a question mark in a type as itself', { types: ['m.room.messag?'] }, []],
    ['types exactly as to case', { types: ['M.room.message'] }, []],
    ['all but the types excluded', { not_types: ['m.room.message'] }, ['member', 'tag']],
    ['all but the types excluded by a star', { not_types: ['m.room.*'] }, ['tag']],
    ['not what is both included and excluded', { types: ['m.room.*'], not_types: ['*.member'] }, ['message', 'image']],
    ['all where the list of excluded types is empty', { not_types: [] }, ['message', 'image', 'member', 'tag']],
    ['only the senders listed', { senders: ['@alice:example.org'] }, ['message', 'member']],
    ['none when the list of senders is empty', { senders: [] }, []],
    ['all but the senders excluded', { not_senders: ['@alice:example.org'] }, ['image', 'tag']],
    [
      'not a sender who is both included and excluded',
      { senders: ['@alice:example.org', '@bob:example.org'], not_senders: ['@bob:example.org'] },
      ['message', 'member'],
    ],
    ['senders exactly, not by a star', { senders: ['@*:example.org'] }, []],
    ['events with a url', { contains_url: true }, ['image']],
    ['events without a url', { contains_url: false }, ['message', 'member', 'tag']],
    ['what meets every part', { senders: ['@bob:example.org'], contains_url: true, types: ['m.*'] }, ['image']],
  ];
  it.each(cases)('%s', (_name, filter, allowed) => {
    const compiled = compileRoomEventFilter(filter);
    const passed = Object.entries(all).filter(([, event]) => compiled.allows(event));
    expect(passed.map(([name]) => name)).toEqual(allowed);
  });

  it('takes a url of any kind for one, but none that is inherited', () => {
    const compiled = compileRoomEventFilter({ contains_url: true });
    expect(compiled.allows({ ...message, content: { url: null } })).toBe(true);
    expect(compiled.allows({ ...message, content: Object.create({ url: 'x' }) })).toBe(false);
    expect(compiled.allows({ ...message, content: null })).toBe(false);
    expect(compiled.allows({ ...message, content: 'url' })).toBe(false);
  });

  it('chooses by how events are related to others, where clients ask for that (MSC3874)', () => {
    const related = (rel_type: string) => ({
      ...message,
      content: { 'm.relates_to': { rel_type, event_id: `$${'x'.repeat(43)}` } },
    });
    const [thread, reference] = [related('m.thread'), related('m.reference')];
    const passing = (filter: object) => {
      const compiled = compileRoomEventFilter(filter);
      return [message, thread, reference].map((event) => compiled.allows(event));
    };
    expect(passing({ 'org.matrix.msc3874.rel_types': ['m.thread'] })).toEqual([false, true, false]);
    expect(passing({ 'org.matrix.msc3874.not_rel_types': ['m.thread'] })).toEqual([true, false, true]);
    expect(
      passing({ 'org.matrix.msc3874.rel_types': ['m.thread'], 'org.matrix.msc3874.not_rel_types': ['m.thread'] }),
    ).toEqual([false, false, false]);
  });

  it('says when nothing can pass', () => {
    expect(compileRoomEventFilter({ types: [] }).allowsNothing).toBe(true);
    expect(compileRoomEventFilter({ senders: [] }).allowsNothing).toBe(true);
    expect(compileRoomEventFilter({ limit: 0 }).allowsNothing).toBe(true);
    expect(compileRoomEventFilter({ types: ['m.room.message'] }).allowsNothing).toBe(false);
    expect(compileRoomEventFilter({}).allowsNothing).toBe(false);
  });
});

describe('which rooms a filter lets through', () => {
  it.each([
    ['all', {}, true],
    ['those listed', { rooms: ['!a:example.org'] }, true],
    ['none but those listed', { rooms: ['!b:example.org'] }, false],
    ['none when the list is empty', { rooms: [] }, false],
    ['not those excluded', { not_rooms: ['!a:example.org'] }, false],
    ['not those both listed and excluded', { rooms: ['!a:example.org'], not_rooms: ['!a:example.org'] }, false],
    ['others than those excluded', { not_rooms: ['!b:example.org'] }, true],
  ])('%s', (_name, rooms, allowed) => {
    expect(compileFilter({ room: rooms }).room.allowsRoom('!a:example.org')).toBe(allowed);
    expect(compileFilter({ room: { timeline: rooms } }).room.timeline.allowsRoom('!a:example.org')).toBe(allowed);
    expect(compileFilter({ room: { timeline: rooms } }).room.allowsRoom('!a:example.org')).toBe(true);
  });
});

describe('relations that a filter asks for', () => {
  const children = [
    { sender: '@alice:example.org', relType: 'm.thread' },
    { sender: '@bob:example.org', relType: 'm.annotation' },
  ];
  it.each<[string, RoomEventFilter, boolean]>([
    ['none asked for', {}, true],
    ['by a sender', { related_by_senders: ['@bob:example.org'] }, true],
    ['by nobody of the list', { related_by_senders: ['@carol:example.org'] }, false],
    ['in a way', { related_by_rel_types: ['m.thread'] }, true],
    ['in no way of the list', { related_by_rel_types: ['m.reference'] }, false],
    ['by a sender in a way', { related_by_senders: ['@alice:example.org'], related_by_rel_types: ['m.thread'] }, true],
    [
      'by a sender in a way that only another used',
      { related_by_senders: ['@bob:example.org'], related_by_rel_types: ['m.thread'] },
      false,
    ],
  ])('%s', (_name, filter, allowed) => {
    const compiled = compileRoomEventFilter(filter);
    expect(compiled.allowsRelations(children)).toBe(allowed);
    expect(compiled.allowsRelations([])).toBe(!compiled.looksAtRelations);
  });
});

describe('what a compiled filter says of the answer', () => {
  it('has the defaults of the specification', () => {
    const { eventFields, eventFormat, room } = compileFilter({});
    expect({ eventFields, eventFormat, includeLeave: room.includeLeave }).toEqual({
      eventFields: undefined,
      eventFormat: 'client',
      includeLeave: false,
    });
    expect(room.timeline).toMatchObject({
      lazyLoadMembers: false,
      includeRedundantMembers: false,
      unreadThreadNotifications: false,
      looksAtRelations: false,
    });
  });

  it('keeps what the filter sets, each part for itself', () => {
    const { eventFormat, room, presence, accountData } = compileFilter({
      event_format: 'federation',
      presence: { types: ['p'] },
      account_data: { types: ['d'] },
      room: {
        include_leave: true,
        state: { lazy_load_members: true, types: ['s'] },
        timeline: { unread_thread_notifications: true, include_redundant_members: true, types: ['t'] },
        ephemeral: { types: ['e'] },
        account_data: { types: ['a'] },
      },
    });
    expect({ eventFormat, includeLeave: room.includeLeave }).toEqual({ eventFormat: 'federation', includeLeave: true });
    expect(room.state.lazyLoadMembers).toBe(true);
    expect(room.timeline).toMatchObject({ unreadThreadNotifications: true, includeRedundantMembers: true });
    const parts = {
      p: presence,
      d: accountData,
      s: room.state,
      t: room.timeline,
      e: room.ephemeral,
      a: room.accountData,
    };
    for (const [own, part] of Object.entries(parts)) {
      const allowed = Object.keys(parts).filter((type) => part.allows({ type }));
      expect(allowed).toEqual([own]);
    }
  });

  it('has the fields to keep of each event, ready for use', () => {
    const { eventFields } = compileFilter({ event_fields: ['content.body'] });
    expect(eventFields && applyEventFields(message, eventFields)).toEqual({ content: { body: 'hi' } });
  });

  it.each([
    [undefined, FILTER_LIMITS.defaultLimit],
    [0, 0],
    [1, 1],
    [FILTER_LIMITS.maximumLimit, FILTER_LIMITS.maximumLimit],
    [Number.MAX_SAFE_INTEGER, FILTER_LIMITS.maximumLimit],
  ])('a limit of %s is %s', (limit, expected) => {
    const filter = limit === undefined ? {} : { limit };
    expect(compileFilter({ room: { timeline: filter } }).room.timeline.limit).toBe(expected);
    expect(compileFilter({ presence: filter }).presence.limit).toBe(expected);
  });

  it('takes other limits when given them', () => {
    const limits = { defaultLimit: 3, maximumLimit: 5 };
    expect(compileFilter({}, limits).room.timeline.limit).toBe(3);
    expect(compileRoomEventFilter({ limit: 50 }, limits).limit).toBe(5);
  });
});
