import { defaultPushRules, PUSH_RULE_KINDS } from '../../src/index.js';

const rules = defaultPushRules('@alice:example.org');

describe('the predefined rules', () => {
  it('are those of the specification, in its order, and those of polls after them', () => {
    const ids = Object.fromEntries(PUSH_RULE_KINDS.map((kind) => [kind, rules[kind].map(({ rule_id }) => rule_id)]));
    expect(ids).toEqual({
      override: [
        '.m.rule.master',
        '.m.rule.suppress_notices',
        '.m.rule.invite_for_me',
        '.m.rule.member_event',
        '.m.rule.is_user_mention',
        '.m.rule.is_room_mention',
        '.m.rule.tombstone',
        '.m.rule.reaction',
        '.m.rule.room.server_acl',
        '.m.rule.suppress_edits',
        '.org.matrix.msc3930.rule.poll_response',
      ],
      content: [],
      room: [],
      sender: [],
      underride: [
        '.m.rule.call',
        '.m.rule.encrypted_room_one_to_one',
        '.m.rule.room_one_to_one',
        '.m.rule.message',
        '.m.rule.encrypted',
        ...['poll_start_one_to_one', 'poll_start', 'poll_end_one_to_one', 'poll_end'].map(
          (name) => `.org.matrix.msc3930.rule.${name}`,
        ),
      ],
    });
  });

  it('are all default, and all enabled but the master rule', () => {
    const all = PUSH_RULE_KINDS.flatMap((kind) => rules[kind]);
    expect(all.every((rule) => rule.default)).toBe(true);
    expect(all.filter((rule) => !rule.enabled).map(({ rule_id }) => rule_id)).toEqual(['.m.rule.master']);
  });

  it('name the user where the specification does', () => {
    const conditions = new Map(rules.override.map((rule) => [rule.rule_id, rule.conditions]));
    expect(conditions.get('.m.rule.invite_for_me')).toContainEqual({
      kind: 'event_match',
      key: 'state_key',
      pattern: '@alice:example.org',
    });
    expect(conditions.get('.m.rule.is_user_mention')).toEqual([
      { kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: '@alice:example.org' },
    ]);
  });

  it('have the definition of the specification, here for a mention of the room', () => {
    expect(rules.override.find(({ rule_id }) => rule_id === '.m.rule.is_room_mention')).toEqual({
      rule_id: '.m.rule.is_room_mention',
      default: true,
      enabled: true,
      conditions: [
        { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
        { kind: 'sender_notification_permission', key: 'room' },
      ],
      actions: ['notify', { set_tweak: 'highlight' }],
    });
  });
});
