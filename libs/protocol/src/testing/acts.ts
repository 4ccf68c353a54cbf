import { type AuthState, joinRuleOf, membershipOf } from '../auth/auth-state.js';
import type { EventDraft } from '../events/build-event.js';
import type { JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { Random } from './random.js';

/** What somebody who is about to do something sees of the room. */
export interface Scene {
  readonly random: Random;
  readonly rules: RoomVersionRules;
  readonly users: readonly string[];
  /** The ids of all events so far. */
  readonly eventIds: readonly string[];
  readonly state: AuthState;
}

export type Deed = Omit<EventDraft, 'origin_server_ts'>;

type Act = (sender: string, scene: Scene) => Deed;

const LEVELS = [0, 10, 50, 50, 75, 100];
const JOIN_RULES = ['public', 'invite', 'knock', 'restricted', 'knock_restricted', 'private'];
const NAMES = ['Welcome', 'Plans', 'Zürich', '🦓', ''];

const stateEvent = (sender: string, type: string, stateKey: string, content: JsonObject): Deed => ({
  type,
  sender,
  state_key: stateKey,
  content,
});

export const membership = (sender: string, target: string, value: string, more: JsonObject = {}): Deed =>
  stateEvent(sender, 'm.room.member', target, { membership: value, ...more });

const say: Act = (sender, { random }) => ({
  type: 'm.room.message',
  sender,
  content: { msgtype: 'm.text', body: `${random.pick(NAMES)} ${random.below(1000)}` },
});

const nameRoom: Act = (sender, { random }) =>
  random.percent(50)
    ? stateEvent(sender, 'm.room.topic', '', { topic: random.pick(NAMES) })
    : stateEvent(sender, 'm.room.name', '', { name: random.pick(NAMES) });

const note: Act = (sender, { random, users }) =>
  stateEvent(sender, 'org.example.note', random.pick(['', 'a', sender, random.pick(users)]), { n: random.below(1000) });

const hide: Act = (sender, { random }) => {
  const visibility = random.pick(['invited', 'joined', 'shared', 'world_readable']);
  return stateEvent(sender, 'm.room.history_visibility', '', { history_visibility: visibility });
};

const claimAliases: Act = (sender, { random, users }) => {
  const server = serverOf(random.percent(80) ? sender : random.pick(users));
  return stateEvent(sender, 'm.room.aliases', server, { aliases: [`#${random.below(10)}:${server}`] });
};

const setJoinRule: Act = (sender, { random }) => {
  const rule = random.percent(40) ? 'public' : random.pick(JOIN_RULES);
  const allow = [{ type: 'm.room_membership', room_id: '!other:a.example' }];
  return stateEvent(sender, 'm.room.join_rules', '', {
    join_rule: rule,
    ...(rule.endsWith('restricted') && { allow }),
  });
};

/** The power levels as they are, with one change. */
const setPower: Act = (sender, scene) => {
  const { random, users } = scene;
  const current = scene.state('m.room.power_levels', '')?.pdu.content ?? {};
  const level = levelFor(scene);
  const changed = random.weighted<() => JsonObject>([
    [6, () => ({ users: { ...(current.users as JsonObject), [random.pick(users)]: level } })],
    [2, () => ({ users: without(current.users as JsonObject, random.pick(users)) })],
    [1, () => ({ events: { ...(current.events as JsonObject), [random.pick(EVENT_TYPES)]: level } })],
    [1, () => ({ notifications: { room: level } })],
    [2, () => ({ [random.pick(LEVEL_PROPERTIES)]: level })],
  ]);
  return stateEvent(sender, 'm.room.power_levels', '', { ...current, ...changed() });
};

const EVENT_TYPES = ['m.room.topic', 'm.room.name', 'm.room.message', 'org.example.note'];
const LEVEL_PROPERTIES = ['ban', 'kick', 'invite', 'redact', 'state_default', 'events_default', 'users_default'];

/** Up to version 9 a level may be text that reads as a number. */
function levelFor({ random, rules }: Scene): number | string {
  const level = random.pick(LEVELS);
  if (!random.percent(10)) return level;
  return rules.integerPowerLevels ? -1 : ` ${level} `;
}

function without(object: JsonObject | undefined, key: string): JsonObject {
  const { [key]: _left, ...others } = object ?? {};
  return others;
}

/** By whatever way the room has. Who is in already joins again under another name. */
const enter: Act = (sender, scene) => {
  const { random, users, state } = scene;
  const rule = joinRuleOf(state);
  const isOutside = ['leave', 'knock'].includes(membershipOf(state, sender));
  if (isOutside && rule.startsWith('knock') && random.percent(70)) return membership(sender, sender, 'knock');
  const name = random.percent(30) ? { displayname: `${random.pick(NAMES)} ${random.below(100)}` } : {};
  if (!rule.endsWith('restricted') || random.percent(10)) return membership(sender, sender, 'join', name);
  const present = presentIn(scene);
  const authoriser = random.pick(present.length > 0 && random.percent(90) ? present : users);
  return membership(sender, sender, 'join', { ...name, join_authorised_via_users_server: authoriser });
};

const towards =
  (value: string): Act =>
  (sender, { random, users }) =>
    membership(sender, random.pick(users), value);

/** Who made the room stays, or too many rooms would be empty soon. */
const leave: Act = (sender, scene) =>
  sender === scene.users[0] ? say(sender, scene) : membership(sender, sender, 'leave');

const redact: Act = (sender, { random, eventIds }) => ({
  type: 'm.room.redaction',
  sender,
  redacts: random.pick(eventIds.slice(-20)),
  content: {},
});

/** What people do in rooms, quarrels before all. Much of it is refused; that is part of the game. */
const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [16, say],
  [8, nameRoom],
  [5, note],
  [2, hide],
  [2, claimAliases],
  [8, setJoinRule],
  [14, setPower],
  [16, enter],
  [8, towards('invite')],
  [8, towards('ban')],
  [6, towards('leave')],
  [3, leave],
  [5, redact],
];

/** Something that somebody does, more often than not somebody in the room, without regard to whether they may. */
export function randomDeed(scene: Scene): Deed {
  const { random, users } = scene;
  const present = presentIn(scene);
  const sender = random.pick(present.length > 0 && random.percent(65) ? present : users);
  const act = present.includes(sender) || random.percent(40) ? random.weighted(ACTS) : enter;
  return act(sender, scene);
}

function presentIn({ users, state }: Scene): string[] {
  return users.filter((user) => membershipOf(state, user) === 'join');
}

function serverOf(user: string): string {
  return user.slice(user.indexOf(':') + 1);
}
