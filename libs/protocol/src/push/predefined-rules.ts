import type { PushAction, PushCondition, PushRule, PushRuleset } from './push-rule.js';

const NOTIFY: PushAction = 'notify';
const HIGHLIGHT: PushAction = { set_tweak: 'highlight' };
const DEFAULT_SOUND: PushAction = { set_tweak: 'sound', value: 'default' };
const RING: PushAction = { set_tweak: 'sound', value: 'ring' };

/** Of polls, as clients know them. @see https://github.com/matrix-org/matrix-spec-proposals/pull/3930 */
const POLL_RULE = '.org.matrix.msc3930.rule';
const POLL = 'org.matrix.msc3381.poll';

/** Of threads that users follow. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
const THREAD_PREFIX = 'io.element.msc4306';
/** Whether the owner of a rule follows the thread that an event is in. */
export const THREAD_SUBSCRIPTION = `${THREAD_PREFIX}.thread_subscription`;

/** The one predefined rule that stands above the user's own rules. */
export const MASTER_RULE_ID = '.m.rule.master';

/**
 * The rules that every user has before changing any, in the shape of `GET /pushrules/global/`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function defaultPushRules(userId: string): PushRuleset {
  return { override: overrideRules(userId), content: [], room: [], sender: [], underride: underrideRules() };
}

/** The rules of threads: one is told of those that one follows, and of others nothing but what rules above these tell. */
export function threadPushRules(): PushRule[] {
  const follows = (subscribed: boolean): PushCondition => ({ kind: THREAD_SUBSCRIPTION, subscribed });
  return [
    rule(`.${THREAD_PREFIX}.rule.unsubscribed_thread`, [follows(false)], []),
    rule(`.${THREAD_PREFIX}.rule.subscribed_thread`, [follows(true)], [NOTIFY, DEFAULT_SOUND]),
  ];
}

function overrideRules(userId: string): PushRule[] {
  return [
    { ...rule(MASTER_RULE_ID, [], []), enabled: false },
    rule('.m.rule.suppress_notices', [matches('content.msgtype', 'm.notice')], []),
    rule(
      '.m.rule.invite_for_me',
      [matches('type', 'm.room.member'), matches('content.membership', 'invite'), matches('state_key', userId)],
      [NOTIFY, DEFAULT_SOUND],
    ),
    rule('.m.rule.member_event', [matches('type', 'm.room.member')], []),
    rule(
      '.m.rule.is_user_mention',
      [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }],
      [NOTIFY, DEFAULT_SOUND, HIGHLIGHT],
    ),
    rule(
      '.m.rule.is_room_mention',
      [
        { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
        { kind: 'sender_notification_permission', key: 'room' },
      ],
      [NOTIFY, HIGHLIGHT],
    ),
    rule('.m.rule.tombstone', [matches('type', 'm.room.tombstone'), matches('state_key', '')], [NOTIFY, HIGHLIGHT]),
    rule('.m.rule.reaction', [matches('type', 'm.reaction')], []),
    rule('.m.rule.room.server_acl', [matches('type', 'm.room.server_acl'), matches('state_key', '')], []),
    rule(
      '.m.rule.suppress_edits',
      [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }],
      [],
    ),
    rule(`${POLL_RULE}.poll_response`, [matches('type', `${POLL}.response`)], []),
  ];
}

function underrideRules(): PushRule[] {
  const oneToOne: PushCondition = { kind: 'room_member_count', is: '2' };
  return [
    rule('.m.rule.call', [matches('type', 'm.call.invite')], [NOTIFY, RING]),
    rule('.m.rule.encrypted_room_one_to_one', [oneToOne, matches('type', 'm.room.encrypted')], [NOTIFY, DEFAULT_SOUND]),
    rule('.m.rule.room_one_to_one', [oneToOne, matches('type', 'm.room.message')], [NOTIFY, DEFAULT_SOUND]),
    rule('.m.rule.message', [matches('type', 'm.room.message')], [NOTIFY]),
    rule('.m.rule.encrypted', [matches('type', 'm.room.encrypted')], [NOTIFY]),
    rule(`${POLL_RULE}.poll_start_one_to_one`, [oneToOne, matches('type', `${POLL}.start`)], [NOTIFY, DEFAULT_SOUND]),
    rule(`${POLL_RULE}.poll_start`, [matches('type', `${POLL}.start`)], [NOTIFY]),
    rule(`${POLL_RULE}.poll_end_one_to_one`, [oneToOne, matches('type', `${POLL}.end`)], [NOTIFY, DEFAULT_SOUND]),
    rule(`${POLL_RULE}.poll_end`, [matches('type', `${POLL}.end`)], [NOTIFY]),
  ];
}

function rule(ruleId: string, conditions: PushCondition[], actions: PushAction[]): PushRule {
  return { rule_id: ruleId, default: true, enabled: true, conditions, actions };
}

function matches(key: string, pattern: string): PushCondition {
  return { kind: 'event_match', key, pattern };
}
