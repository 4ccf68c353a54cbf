import fc from 'fast-check';
import {
  copyRoomPushRules,
  deletePushRule,
  findPushRule,
  InvalidPushRuleError,
  isPushRuleKind,
  MAX_OWN_RULES_PER_KIND,
  NO_PUSH_RULE_CHANGES,
  ProtocolError,
  PUSH_RULE_KINDS,
  type PushRuleChanges,
  type PushRuleKind,
  PushRuleNotFoundError,
  type PushRulePosition,
  pushRulesOf,
  putPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from '../../src/index.js';
import { ALICE } from './rules-for-tests.js';

const NOTIFY = { actions: ['notify'] };
const none = NO_PUSH_RULE_CHANGES;

/** Puts sender rules one after the other and lists the ids, the most important first. */
function put(changes: PushRuleChanges, ruleId: string, position?: PushRulePosition): PushRuleChanges {
  return putPushRule(changes, 'sender', ruleId, NOTIFY, position);
}

function idsOf(changes: PushRuleChanges, kind: PushRuleKind = 'sender'): string[] {
  return pushRulesOf(ALICE, changes)[kind].map(({ rule_id }) => rule_id);
}

const abc = put(put(put(none, 'c'), 'b'), 'a');

describe('adding a rule', () => {
  it('shows it as the API does', () => {
    const changes = putPushRule(none, 'content', 'nocake', { pattern: 'cake*lie', actions: ['notify'], extra: 1 });
    expect(findPushRule(ALICE, changes, 'content', 'nocake')).toEqual({
      rule_id: 'nocake',
      default: false,
      enabled: true,
      pattern: 'cake*lie',
      actions: ['notify'],
    });
  });

  it('keeps conditions of override and underride rules, and none of others', () => {
    const conditions = [
      { kind: 'room_member_count', is: '<=10' },
      { kind: 'org.example.later', what: [1] },
    ];
    const body = { actions: [], conditions, pattern: 'x' };
    const put = (kind: PushRuleKind) => findPushRule(ALICE, putPushRule(none, kind, 'r', body), kind, 'r');
    expect(put('override')).toEqual({ rule_id: 'r', default: false, enabled: true, actions: [], conditions });
    expect(put('underride')).toEqual({ rule_id: 'r', default: false, enabled: true, actions: [], conditions });
    expect(put('room')).toEqual({ rule_id: 'r', default: false, enabled: true, actions: [] });
    expect(put('sender')).toEqual({ rule_id: 'r', default: false, enabled: true, actions: [] });
  });

  it('takes an override rule without conditions for one that always matches', () => {
    const changes = putPushRule(none, 'override', 'all', NOTIFY);
    expect(findPushRule(ALICE, changes, 'override', 'all').conditions).toEqual([]);
  });

  it('keeps the actions of older clients, so that they read back what they wrote', () => {
    const changes = putPushRule(none, 'sender', ALICE, { actions: ['dont_notify'] });
    expect(findPushRule(ALICE, changes, 'sender', ALICE).actions).toEqual(['dont_notify']);
  });

  it('leaves the changes that it was given as they were', () => {
    const before = structuredClone(abc);
    put(abc, 'd');
    put(abc, 'b', { after: 'c' });
    expect(abc).toEqual(before);
  });
});

describe('where a rule is put', () => {
  it.each<[string, string, PushRulePosition | undefined, string[]]>([
    ['a new one first', 'd', undefined, ['d', 'a', 'b', 'c']],
    ['a new one before another', 'd', { before: 'b' }, ['a', 'd', 'b', 'c']],
    ['a new one before the first', 'd', { before: 'a' }, ['d', 'a', 'b', 'c']],
    ['a new one after another', 'd', { after: 'b' }, ['a', 'b', 'd', 'c']],
    ['a new one after the last', 'd', { after: 'c' }, ['a', 'b', 'c', 'd']],
    [
      'a new one where before says, though after says otherwise',
      'd',
      { before: 'b', after: 'c' },
      ['a', 'd', 'b', 'c'],
    ],
    ['one that exists where it was', 'b', undefined, ['a', 'b', 'c']],
    ['one that exists before another', 'c', { before: 'a' }, ['c', 'a', 'b']],
    ['one that exists after another', 'a', { after: 'c' }, ['b', 'c', 'a']],
  ])('%s', (_name, ruleId, position, expected) => {
    expect(idsOf(put(abc, ruleId, position))).toEqual(expected);
  });

  it.each([{ before: 'none' }, { after: 'none' }, { before: '.m.rule.message' }, { before: 'd' }])(
    'is refused next to what is not a rule of the user and kind: %j',
    (position) => {
      expect(() => put(abc, 'd', position)).toThrow(
        expect.objectContaining({ name: 'InvalidPushRuleError', errcode: 'M_UNKNOWN' }),
      );
    },
  );

  it('is above the predefined rules and below the master rule', () => {
    const changes = putPushRule(none, 'override', 'mine', NOTIFY);
    expect(idsOf(changes, 'override').slice(0, 3)).toEqual(['.m.rule.master', 'mine', '.m.rule.suppress_notices']);
    expect(idsOf(putPushRule(none, 'underride', 'mine', NOTIFY), 'underride')[0]).toBe('mine');
  });
});

describe('replacing a rule', () => {
  it('changes what it does and leaves it disabled if it was', () => {
    const disabled = setPushRuleEnabled(abc, 'sender', 'b', { enabled: false });
    const replaced = putPushRule(disabled, 'sender', 'b', { actions: [] });
    expect(findPushRule(ALICE, replaced, 'sender', 'b')).toEqual({
      rule_id: 'b',
      default: false,
      enabled: false,
      actions: [],
    });
  });

  it('leaves a rule with the same id but of another kind alone', () => {
    const both = putPushRule(putPushRule(none, 'override', 'r', NOTIFY), 'underride', 'r', { actions: [] });
    expect(findPushRule(ALICE, both, 'override', 'r').actions).toEqual(['notify']);
  });
});

describe('a rule that is malformed is refused', () => {
  const cases: [name: string, kind: PushRuleKind, ruleId: string, body: unknown, errcode: string][] = [
    ['with an id of the server', 'override', '.mine', NOTIFY, 'M_INVALID_PARAM'],
    ['with a slash in its id', 'override', 'a/b', NOTIFY, 'M_INVALID_PARAM'],
    ['with a backslash in its id', 'override', 'a\\b', NOTIFY, 'M_INVALID_PARAM'],
    ['without an id', 'override', '', NOTIFY, 'M_INVALID_PARAM'],
    ['with an endless id', 'override', 'a'.repeat(256), NOTIFY, 'M_INVALID_PARAM'],
    ['without a body', 'room', '!r', undefined, 'M_MISSING_PARAM'],
    ['without actions', 'room', '!r', {}, 'M_MISSING_PARAM'],
    ['with actions that are no list', 'room', '!r', { actions: 'notify' }, 'M_INVALID_PARAM'],
    ['with an action that nobody knows', 'room', '!r', { actions: ['stir'] }, 'M_INVALID_PARAM'],
    ['with an action that sets no tweak', 'room', '!r', { actions: [{ value: 'x' }] }, 'M_INVALID_PARAM'],
    ['with a tweak that has no name', 'room', '!r', { actions: [{ set_tweak: 1 }] }, 'M_INVALID_PARAM'],
    ['with endless actions', 'room', '!r', { actions: new Array(101).fill('notify') }, 'M_INVALID_PARAM'],
    ['without a pattern', 'content', 'r', NOTIFY, 'M_MISSING_PARAM'],
    ['with a pattern that is no text', 'content', 'r', { ...NOTIFY, pattern: 1 }, 'M_INVALID_PARAM'],
    ['with an empty pattern', 'content', 'r', { ...NOTIFY, pattern: '' }, 'M_INVALID_PARAM'],
    ['with an endless pattern', 'content', 'r', { ...NOTIFY, pattern: 'a'.repeat(1025) }, 'M_INVALID_PARAM'],
    ['with conditions that are no list', 'override', 'r', { ...NOTIFY, conditions: {} }, 'M_INVALID_PARAM'],
    [
      'with endless conditions',
      'override',
      'r',
      { ...NOTIFY, conditions: new Array(101).fill({ kind: 'x' }) },
      'M_INVALID_PARAM',
    ],
    ...[
      null,
      'type',
      {},
      { kind: 1 },
      { kind: 'event_match', key: 'type' },
      { kind: 'event_match', pattern: '*' },
      { kind: 'event_match', key: 'type', pattern: 1 },
      { kind: 'event_property_is', value: 1 },
      { kind: 'event_property_is', key: 'type' },
      { kind: 'event_property_is', key: 'type', value: [] },
      { kind: 'event_property_contains', key: 'type', value: 1.5 },
      { kind: 'room_member_count', is: 2 },
      { kind: 'sender_notification_permission' },
    ].map((condition): [string, PushRuleKind, string, unknown, string] => [
      `with the condition ${JSON.stringify(condition)}`,
      'underride',
      'r',
      { ...NOTIFY, conditions: [condition] },
      'M_INVALID_PARAM',
    ]),
  ];
  it.each(cases)('%s', (_name, kind, ruleId, body, errcode) => {
    expect(() => putPushRule(none, kind, ruleId, body)).toThrow(
      expect.objectContaining({ name: 'InvalidPushRuleError', errcode }),
    );
  });

  it('beyond the number that a user may have, though those that exist can be replaced', () => {
    const rules = Array.from({ length: MAX_OWN_RULES_PER_KIND }, (_, n) => ({
      rule_id: `${n}`,
      enabled: true,
      actions: [],
    }));
    const full = { ...none, own: { ...none.own, sender: rules } };
    expect(() => put(full, 'one more')).toThrow(InvalidPushRuleError);
    expect(idsOf(put(full, '7'))).toHaveLength(MAX_OWN_RULES_PER_KIND);
    expect(() => putPushRule(full, 'room', '!a', NOTIFY)).not.toThrow();
  });
});

describe('changing a rule', () => {
  it('enables and disables own and predefined ones', () => {
    const off = setPushRuleEnabled(abc, 'sender', 'b', { enabled: false });
    expect(findPushRule(ALICE, off, 'sender', 'b').enabled).toBe(false);
    expect(findPushRule(ALICE, setPushRuleEnabled(off, 'sender', 'b', { enabled: true }), 'sender', 'b').enabled).toBe(
      true,
    );
    const master = setPushRuleEnabled(none, 'override', '.m.rule.master', { enabled: true });
    expect(findPushRule(ALICE, master, 'override', '.m.rule.master')).toMatchObject({ enabled: true, default: true });
  });

  it('sets the actions of own and predefined ones', () => {
    const own = setPushRuleActions(abc, 'sender', 'b', { actions: [] });
    expect(findPushRule(ALICE, own, 'sender', 'b').actions).toEqual([]);
    const predefined = setPushRuleActions(none, 'underride', '.m.rule.message', { actions: ['dont_notify'] });
    expect(findPushRule(ALICE, predefined, 'underride', '.m.rule.message')).toMatchObject({
      actions: ['dont_notify'],
      enabled: true,
      default: true,
    });
  });

  it('keeps both what is enabled and what is to be done', () => {
    const off = setPushRuleEnabled(none, 'underride', '.m.rule.message', { enabled: false });
    const both = setPushRuleActions(off, 'underride', '.m.rule.message', { actions: [] });
    expect(findPushRule(ALICE, both, 'underride', '.m.rule.message')).toMatchObject({ actions: [], enabled: false });
  });

  it.each<[unknown, string]>([
    [{}, 'M_MISSING_PARAM'],
    [null, 'M_MISSING_PARAM'],
    [{ enabled: 'true' }, 'M_INVALID_PARAM'],
    [{ enabled: null }, 'M_INVALID_PARAM'],
  ])('refuses to enable by %j', (body, errcode) => {
    expect(() => setPushRuleEnabled(abc, 'sender', 'b', body)).toThrow(expect.objectContaining({ errcode }));
  });

  it.each<[unknown, string]>([
    [{}, 'M_MISSING_PARAM'],
    [{ actions: {} }, 'M_INVALID_PARAM'],
    [{ actions: [1] }, 'M_INVALID_PARAM'],
  ])('refuses to act by %j', (body, errcode) => {
    expect(() => setPushRuleActions(abc, 'sender', 'b', body)).toThrow(expect.objectContaining({ errcode }));
  });

  it.each<[PushRuleKind, string]>([
    ['sender', 'none'],
    ['room', 'b'],
    ['override', '.m.rule.message'],
    ['underride', '.m.rule.master'],
    ['override', '__proto__'],
  ])('finds no %s rule %s', (kind, ruleId) => {
    const notFound = expect.objectContaining({ name: 'PushRuleNotFoundError', errcode: 'M_NOT_FOUND' });
    expect(() => findPushRule(ALICE, abc, kind, ruleId)).toThrow(notFound);
    expect(() => setPushRuleEnabled(abc, kind, ruleId, { enabled: true })).toThrow(notFound);
    expect(() => setPushRuleActions(abc, kind, ruleId, NOTIFY)).toThrow(notFound);
    expect(() => deletePushRule(abc, kind, ruleId)).toThrow(notFound);
  });
});

describe('removing a rule', () => {
  it('removes the one', () => {
    expect(idsOf(deletePushRule(abc, 'sender', 'b'))).toEqual(['a', 'c']);
  });

  it('cannot remove a predefined one', () => {
    expect(() => deletePushRule(none, 'override', '.m.rule.master')).toThrow(PushRuleNotFoundError);
  });
});

describe('a room that replaces another', () => {
  const muted = putPushRule(none, 'room', '!old:example.org', { actions: [] });

  it('gets the rule of its predecessor, which keeps it', () => {
    const copied = copyRoomPushRules(muted, '!old:example.org', '!new');
    expect(idsOf(copied, 'room').sort()).toEqual(['!new', '!old:example.org']);
    expect(findPushRule(ALICE, copied, 'room', '!new').actions).toEqual([]);
  });

  it('keeps a rule of its own', () => {
    const both = putPushRule(muted, 'room', '!new', NOTIFY);
    expect(copyRoomPushRules(both, '!old:example.org', '!new')).toBe(both);
    expect(copyRoomPushRules(none, '!old:example.org', '!new')).toBe(none);
  });

  it('gets the rules that ask for its predecessor in a condition, switched off or not', () => {
    const inRoom = (pattern: string) => [{ kind: 'event_match', key: 'room_id', pattern }];
    const rule = (pattern: string) => ({ actions: [], conditions: inRoom(pattern) });
    const named = putPushRule(none, 'override', '!old:example.org', rule('!old:example.org'));
    const other = putPushRule(named, 'override', 'elsewhere', rule('!other:example.org'));
    const all = putPushRule(other, 'underride', 'mine', rule('!old:example.org'));
    const off = setPushRuleEnabled(all, 'underride', 'mine', { enabled: false });
    const copied = copyRoomPushRules(off, '!old:example.org', '!new');
    expect(copied.own.override.map(({ rule_id }) => rule_id)).toEqual(['!new', 'elsewhere', '!old:example.org']);
    expect(findPushRule(ALICE, copied, 'override', '!new').conditions).toEqual(inRoom('!new'));
    expect(findPushRule(ALICE, copied, 'underride', 'mine !new')).toMatchObject({
      ...{ enabled: false, conditions: inRoom('!new') },
    });
    expect(copyRoomPushRules(copied, '!old:example.org', '!new')).toBe(copied);
  });

  it('gets none where there are as many as there may be', () => {
    let full = muted;
    for (let n = 1; n < MAX_OWN_RULES_PER_KIND; n++) full = putPushRule(full, 'room', `!${n}`, NOTIFY);
    expect(copyRoomPushRules(full, '!old:example.org', '!new')).toBe(full);
  });
});

it('knows the kinds by name', () => {
  expect(['override', 'content', 'room', 'sender', 'underride'].every(isPushRuleKind)).toBe(true);
  expect(['global', 'postcontent', '', 'constructor'].some(isPushRuleKind)).toBe(false);
});

it('throws nothing but its own errors, and what it accepts can be stored and compiled', () => {
  const kind = fc.constantFrom(...PUSH_RULE_KINDS);
  const name = fc.constantFrom('actions', 'conditions', 'pattern', 'enabled', '__proto__');
  const condition = fc.dictionary(fc.constantFrom('kind', 'key', 'pattern', 'is', 'value'), fc.jsonValue());
  const value = fc.oneof(fc.jsonValue(), fc.array(condition), fc.constant(['notify']));
  fc.assert(
    fc.property(kind, fc.string(), fc.dictionary(name, value), (kind, ruleId, body) => {
      try {
        const changes = putPushRule(none, kind, ruleId, body);
        expect(JSON.parse(JSON.stringify(changes))).toEqual(changes);
        expect(idsOf(changes, kind)).toContain(ruleId);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 500 },
  );
});
