import fc from 'fast-check';
import { type JsonValue, type Pdu, ROOM_VERSIONS, type RoomVersionRules } from '../../src/index.js';
import { messagePdu } from './pdus.js';

/** Strings with everything in them that UTF-8 can carry: controls, quotes, planes beyond the first. */
export const text = fc.string({ unit: 'binary' });

/** Values that strict canonical JSON can carry. */
export const canonicalValue: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

export const anyRules: fc.Arbitrary<RoomVersionRules> = fc.constantFrom(...ROOM_VERSIONS);

const TYPES = [
  'm.room.message',
  'm.room.member',
  'm.room.create',
  'm.room.join_rules',
  'm.room.power_levels',
  'm.room.aliases',
  'm.room.history_visibility',
  'm.room.redaction',
];

const PROTECTED_KEYS = [
  'membership',
  'creator',
  'join_rule',
  'allow',
  'users',
  'invite',
  'aliases',
  'redacts',
  'history_visibility',
  'third_party_invite',
  'join_authorised_via_users_server',
];

/** Contents in which redaction finds something to keep and something to strip. */
const content = fc.dictionary(fc.oneof(fc.constantFrom(...PROTECTED_KEYS), text), canonicalValue, {
  maxKeys: 6,
  noNullPrototype: true,
});

/** Well-formed events of any type with any content, and with keys that no event has. */
export function pduOf(rules: RoomVersionRules): fc.Arbitrary<Pdu> {
  const extra = fc.dictionary(
    fc.constantFrom('origin', 'membership', 'prev_state', 'org.example.extra'),
    canonicalValue,
  );
  return fc
    .record({ type: fc.constantFrom(...TYPES), content, state_key: fc.constantFrom('', '@alice:example.org'), extra })
    .map(({ extra: more, ...fields }) => messagePdu(rules, { ...more, ...fields }));
}

/** The same value with the keys of all objects in another order. */
export function reordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, child]) => [key, child === undefined ? child : reordered(child)]),
  );
}
