import fc from 'fast-check';
import {
  compilePushRules,
  defaultPushRules,
  evaluatePushRules,
  type JsonObject,
  NO_PUSH,
  NO_PUSH_RULE_CHANGES,
  PushEvaluation,
  type PushRoom,
} from '../../src/index.js';
import { ALICE, BOB, eventOf, LARGE_ROOM, message, outcomeForAlice, own, ROOM, TWO } from './rules-for-tests.js';

const DEFAULT_SOUND = { sound: 'default' };
const member = (stateKey: string, membership: string) =>
  eventOf({ type: 'm.room.member', state_key: stateKey, content: { membership } });
const mentions = (value: JsonObject) => message('hi', { 'm.mentions': value });
const byAdmin = (event: JsonObject) => ({ ...event, sender: '@admin:example.org' });

describe('which predefined rule decides', () => {
  const silent = { notify: false, highlight: false, tweaks: {} };
  const cases: [name: string, event: JsonObject, room: PushRoom, ruleId: string | undefined, outcome: object][] = [
    ['a message', message('hi'), LARGE_ROOM, '.m.rule.message', { notify: true, highlight: false, tweaks: {} }],
    ['a message between two', message('hi'), TWO, '.m.rule.room_one_to_one', { notify: true, tweaks: DEFAULT_SOUND }],
    ['a notice', message('hi', { msgtype: 'm.notice' }), TWO, '.m.rule.suppress_notices', silent],
    [
      'an encrypted event',
      eventOf({ type: 'm.room.encrypted', content: {} }),
      LARGE_ROOM,
      '.m.rule.encrypted',
      { notify: true, tweaks: {} },
    ],
    [
      'an encrypted event between two',
      eventOf({ type: 'm.room.encrypted', content: {} }),
      TWO,
      '.m.rule.encrypted_room_one_to_one',
      { notify: true, tweaks: DEFAULT_SOUND },
    ],
    [
      'an invite for the user',
      member(ALICE, 'invite'),
      LARGE_ROOM,
      '.m.rule.invite_for_me',
      { notify: true, tweaks: DEFAULT_SOUND },
    ],
    ['an invite for another', member('@carol:example.org', 'invite'), LARGE_ROOM, '.m.rule.member_event', silent],
    [
      'an invite for one of like spelling',
      member('@ALICE:example.org', 'invite'),
      LARGE_ROOM,
      '.m.rule.member_event',
      silent,
    ],
    ['a join', member(ALICE, 'join'), LARGE_ROOM, '.m.rule.member_event', silent],
    [
      'a mention of the user',
      mentions({ user_ids: ['@carol:example.org', ALICE] }),
      LARGE_ROOM,
      '.m.rule.is_user_mention',
      { notify: true, highlight: true, tweaks: { sound: 'default', highlight: true } },
    ],
    [
      'a mention of another',
      mentions({ user_ids: ['@carol:example.org'] }),
      LARGE_ROOM,
      '.m.rule.message',
      { notify: true },
    ],
    ['mentions that are no list', mentions({ user_ids: ALICE }), LARGE_ROOM, '.m.rule.message', { highlight: false }],
    [
      'a mention of the room by one who may',
      byAdmin(mentions({ room: true })),
      LARGE_ROOM,
      '.m.rule.is_room_mention',
      { notify: true, highlight: true, tweaks: { highlight: true } },
    ],
    [
      'a mention of the room by one who may not',
      mentions({ room: true }),
      LARGE_ROOM,
      '.m.rule.message',
      { highlight: false },
    ],
    [
      'a mention of the room that is not true',
      byAdmin(mentions({ room: 1 })),
      LARGE_ROOM,
      '.m.rule.message',
      { highlight: false },
    ],
    [
      "the user's name in the text, which mentions nobody",
      message('@alice:example.org alice'),
      LARGE_ROOM,
      '.m.rule.message',
      { highlight: false },
    ],
    [
      '@room in the text, which mentions nobody',
      byAdmin(message('@room')),
      LARGE_ROOM,
      '.m.rule.message',
      { highlight: false },
    ],
    [
      'a tombstone',
      eventOf({ type: 'm.room.tombstone', state_key: '', content: {} }),
      LARGE_ROOM,
      '.m.rule.tombstone',
      { notify: true, highlight: true },
    ],
    ['a tombstone that is no state', eventOf({ type: 'm.room.tombstone', content: {} }), LARGE_ROOM, undefined, silent],
    ['a reaction', eventOf({ type: 'm.reaction', content: {} }), TWO, '.m.rule.reaction', silent],
    [
      'a server ACL',
      eventOf({ type: 'm.room.server_acl', state_key: '', content: {} }),
      LARGE_ROOM,
      '.m.rule.room.server_acl',
      silent,
    ],
    [
      'an edit',
      message('* hi', { 'm.relates_to': { rel_type: 'm.replace', event_id: '$a' } }),
      TWO,
      '.m.rule.suppress_edits',
      silent,
    ],
    [
      'a message in a thread',
      message('hi', { 'm.relates_to': { rel_type: 'm.thread', event_id: '$a' } }),
      LARGE_ROOM,
      '.m.rule.message',
      { notify: true },
    ],
    [
      'a call',
      eventOf({ type: 'm.call.invite', content: {} }),
      LARGE_ROOM,
      '.m.rule.call',
      { notify: true, tweaks: { sound: 'ring' } },
    ],
    ['a topic', eventOf({ type: 'm.room.topic', state_key: '', content: {} }), LARGE_ROOM, undefined, silent],
  ];
  it.each(cases)('for %s', (_name, event, room, ruleId, outcome) => {
    expect(outcomeForAlice(event, room)).toMatchObject({ ruleId, ...outcome });
  });

  it('is never one for the sender', () => {
    expect(outcomeForAlice({ ...mentions({ user_ids: [ALICE] }), sender: ALICE })).toBe(NO_PUSH);
  });

  it('is the master rule, above everything, once that is enabled', () => {
    const changes = { ...own('override', { rule_id: 'mine' }), predefined: { '.m.rule.master': { enabled: true } } };
    expect(outcomeForAlice(mentions({ user_ids: [ALICE] }), TWO, changes)).toMatchObject({
      ruleId: '.m.rule.master',
      notify: false,
    });
  });

  it('is the next one when it is disabled', () => {
    const changes = { ...NO_PUSH_RULE_CHANGES, predefined: { '.m.rule.is_user_mention': { enabled: false } } };
    expect(outcomeForAlice(mentions({ user_ids: [ALICE] }), LARGE_ROOM, changes).ruleId).toBe('.m.rule.message');
  });

  it('does what the user had it do', () => {
    const changes = {
      ...NO_PUSH_RULE_CHANGES,
      predefined: { '.m.rule.message': { actions: ['notify', { set_tweak: 'sound', value: 'bing' }] } },
    };
    expect(outcomeForAlice(message('hi'), LARGE_ROOM, changes).tweaks).toEqual({ sound: 'bing' });
  });
});

describe('which of several rules decides', () => {
  const cases = {
    override: own('override', { rule_id: 'override', conditions: [] }),
    content: own('content', { rule_id: 'content', pattern: 'cake' }),
    room: own('room', { rule_id: ROOM }),
    sender: own('sender', { rule_id: BOB }),
    underride: own('underride', { rule_id: 'underride', conditions: [] }),
  };
  const ids = { override: 'override', content: 'content', room: ROOM, sender: BOB, underride: 'underride' };
  const kinds = Object.keys(cases) as (keyof typeof cases)[];

  it.each(kinds)('the %s rule when there is none of a higher kind', (kind) => {
    const lower = kinds.slice(kinds.indexOf(kind));
    const own = Object.assign({}, NO_PUSH_RULE_CHANGES.own, ...lower.map((k) => ({ [k]: cases[k].own[k] })));
    expect(outcomeForAlice(message('cake'), TWO, { own, predefined: {} }).ruleId).toBe(ids[kind]);
  });

  it('the predefined override rules before the rules of other kinds', () => {
    expect(outcomeForAlice(mentions({ user_ids: [ALICE] }), TWO, cases.room).ruleId).toBe('.m.rule.is_user_mention');
  });

  it("the user's own rules before the predefined ones of the same kind", () => {
    expect(outcomeForAlice(mentions({ user_ids: [ALICE] }), TWO, cases.override).ruleId).toBe('override');
    expect(outcomeForAlice(message('hi'), TWO, cases.underride).ruleId).toBe('underride');
  });

  it('the first that matches of the same kind', () => {
    const time = { rule_id: 'time', pattern: 'time' };
    const tea = { rule_id: 'tea', pattern: 'tea' };
    expect(outcomeForAlice(message("It's time for tea"), TWO, own('content', time, tea)).ruleId).toBe('time');
    expect(outcomeForAlice(message("It's time for tea"), TWO, own('content', tea, time)).ruleId).toBe('tea');
    expect(outcomeForAlice(message('It is late for tea'), TWO, own('content', time, tea)).ruleId).toBe('tea');
  });

  it.each(kinds)('none of the %s rules when they are disabled', (kind) => {
    const rules = cases[kind].own[kind].map((rule) => ({ ...rule, enabled: false }));
    const changes = { own: { ...NO_PUSH_RULE_CHANGES.own, [kind]: rules }, predefined: {} };
    expect(outcomeForAlice(message('cake'), TWO, changes).ruleId).toBe('.m.rule.room_one_to_one');
  });

  it('a room rule or sender rule for its own room or sender alone', () => {
    expect(outcomeForAlice(message('hi'), TWO, own('room', { rule_id: '!other:example.org' })).ruleId).toBe(
      '.m.rule.room_one_to_one',
    );
    expect(outcomeForAlice(message('hi'), TWO, own('sender', { rule_id: '@BOB:example.org' })).ruleId).toBe(
      '.m.rule.room_one_to_one',
    );
  });

  it('a rule only when all of its conditions hold', () => {
    const type = { kind: 'event_match', key: 'type', pattern: 'm.room.message' };
    const name = { kind: 'contains_display_name' };
    const rule = (...conditions: { kind: string }[]) => own('override', { rule_id: 'both', conditions });
    expect(outcomeForAlice(message('hi alice'), TWO, rule(type, name), 'Alice').ruleId).toBe('both');
    expect(outcomeForAlice(message('hi bob'), TWO, rule(type, name), 'Alice').ruleId).not.toBe('both');
    expect(outcomeForAlice(message('hi alice'), TWO, rule(type, { kind: 'unknown' }), 'Alice').ruleId).not.toBe('both');
  });

  it('never a content rule without a pattern', () => {
    expect(outcomeForAlice(message('hi'), TWO, own('content', { rule_id: 'broken' })).ruleId).not.toBe('broken');
  });
});

describe('what actions amount to', () => {
  const outcome = (actions: unknown[]) =>
    outcomeForAlice(
      message('hi'),
      TWO,
      own('override', { rule_id: 'r', conditions: [], actions: actions as string[] }),
    );
  it.each<[string, unknown[], object]>([
    ['none', [], { notify: false, highlight: false, tweaks: {}, actions: [] }],
    ['notify', ['notify'], { notify: true, highlight: false, tweaks: {}, actions: ['notify'] }],
    ['dont_notify', ['dont_notify'], { notify: false, actions: [] }],
    ['coalesce', ['coalesce'], { notify: false, actions: [] }],
    ['what is unknown', ['org.example', {}, { set_tweak: 7 }, null], { notify: false, tweaks: {}, actions: [] }],
    [
      'a highlight without a value',
      ['notify', { set_tweak: 'highlight' }],
      { highlight: true, tweaks: { highlight: true } },
    ],
    ['a highlight of true', ['notify', { set_tweak: 'highlight', value: true }], { highlight: true }],
    [
      'a highlight of false',
      ['notify', { set_tweak: 'highlight', value: false }],
      { highlight: false, tweaks: { highlight: false } },
    ],
    ['a highlight of text', ['notify', { set_tweak: 'highlight', value: 'true' }], { highlight: false }],
    ['a highlight of what does not notify', [{ set_tweak: 'highlight' }], { notify: false, highlight: false }],
    ['a sound', ['notify', { set_tweak: 'sound', value: 'beer.wav' }], { tweaks: { sound: 'beer.wav' } }],
    ['a sound without a value', ['notify', { set_tweak: 'sound' }], { tweaks: {}, actions: ['notify'] }],
    ['a tweak of any name', ['notify', { set_tweak: 'flash', value: [1] }], { tweaks: { flash: [1] } }],
  ])('%s', (_name, actions, expected) => {
    expect(outcome(actions)).toMatchObject(expected);
  });

  it('keeps a tweak called __proto__ a plain property', () => {
    const { tweaks } = outcome([{ set_tweak: '__proto__', value: { admin: true } }]);
    expect((tweaks as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.keys(tweaks)).toEqual(['__proto__']);
  });
});

describe('one event for many users', () => {
  it('gives each what they would get alone, in their order', () => {
    const users = [
      { userId: BOB, rules: compilePushRules(NO_PUSH_RULE_CHANGES) },
      { userId: ALICE, rules: compilePushRules(NO_PUSH_RULE_CHANGES) },
      { userId: '@carol:example.org', rules: compilePushRules(own('room', { rule_id: ROOM, actions: [] })) },
      { userId: '@dan:example.org', rules: compilePushRules(NO_PUSH_RULE_CHANGES) },
    ];
    const event = mentions({ user_ids: ['@dan:example.org', BOB] });
    const outcomes = evaluatePushRules(event, LARGE_ROOM, users);
    expect(outcomes.map(({ ruleId }) => ruleId)).toEqual([
      undefined,
      '.m.rule.message',
      ROOM,
      '.m.rule.is_user_mention',
    ]);
    expect(users.map((user) => evaluatePushRules(event, LARGE_ROOM, [user])[0])).toEqual(outcomes);
  });

  it('is evaluated for users who come one by one, and asks of the room only what rules need', () => {
    let asked = 0;
    const room: PushRoom = {
      powerLevels: LARGE_ROOM.powerLevels,
      get memberCount() {
        asked += 1;
        return 2;
      },
    };
    const rules = compilePushRules(NO_PUSH_RULE_CHANGES);
    const notice = new PushEvaluation(message('Hello', { msgtype: 'm.notice' }), room);
    expect([notice.outcomeFor({ userId: ALICE, rules }).notify, asked]).toEqual([false, 0]);
    const text = new PushEvaluation(message('Hello'), room);
    const ids = [ALICE, BOB, '@carol:example.org'].map((userId) => text.outcomeFor({ userId, rules }).ruleId);
    expect(ids).toEqual(['.m.rule.room_one_to_one', undefined, '.m.rule.room_one_to_one']);
    expect(asked).toBe(2);
  });

  it('agrees with the rules as the API shows them, whatever the event', () => {
    const type = fc.constantFrom(
      'm.room.message',
      'm.room.encrypted',
      'm.room.member',
      'm.reaction',
      'm.room.tombstone',
    );
    const content = fc.record(
      {
        msgtype: fc.constantFrom('m.text', 'm.notice'),
        membership: fc.constantFrom('invite', 'join'),
        'm.mentions': fc.record({ user_ids: fc.subarray([ALICE, BOB]), room: fc.boolean() }, { requiredKeys: [] }),
        'm.relates_to': fc.record({ rel_type: fc.constantFrom('m.replace', 'm.thread') }),
      },
      { requiredKeys: [] },
    );
    const stateKey = fc.constantFrom(undefined, '', ALICE);
    fc.assert(
      fc.property(type, content, stateKey, fc.integer({ min: 1, max: 3 }), (type, content, state_key, memberCount) => {
        const room = { ...LARGE_ROOM, memberCount };
        const event = eventOf({ type, content: content as JsonObject, ...(state_key !== undefined && { state_key }) });
        const { override, underride } = defaultPushRules(ALICE);
        const asOwn = { own: { ...NO_PUSH_RULE_CHANGES.own, override, underride }, predefined: {} };
        expect(outcomeForAlice(event, room)).toEqual(outcomeForAlice(event, room, asOwn));
      }),
    );
  });

  it('throws on no event', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (event) => {
        expect(outcomeForAlice(event as JsonObject).notify).toBe(event.type === 'm.room.message');
      }),
    );
  });
});

describe('an event in a thread', () => {
  const inThread = message('Hello', { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root' } });
  const ruleIdFor = (followsThread?: (rootId: string) => boolean, changes = NO_PUSH_RULE_CHANGES, event = inThread) =>
    new PushEvaluation(event, LARGE_ROOM).outcomeFor({ userId: ALICE, rules: compilePushRules(changes), followsThread })
      .ruleId;
  const follows = (rootId: string) => rootId === '$root';

  it('is told to who follows it, and to who does not only if something above says so', () => {
    expect(ruleIdFor(follows)).toBe('.io.element.msc4306.rule.subscribed_thread');
    expect(ruleIdFor(() => false)).toBe('.io.element.msc4306.rule.unsubscribed_thread');
    expect(ruleIdFor(follows, own('room', { rule_id: ROOM, actions: [] }))).toMatch(/\.subscribed_thread$/);
    expect(ruleIdFor(() => false, own('content', { rule_id: 'word', pattern: 'hello' }))).toBe('word');
  });

  it('is as any other where that makes no difference, and others are as they are', () => {
    expect(ruleIdFor()).toBe('.m.rule.message');
    expect(ruleIdFor(follows, NO_PUSH_RULE_CHANGES, message('Hello'))).toBe('.m.rule.message');
    const reply = message('Hello', { 'm.relates_to': { rel_type: 'm.reference', event_id: '$root' } });
    expect(ruleIdFor(follows, NO_PUSH_RULE_CHANGES, reply)).toBe('.m.rule.message');
  });
});
