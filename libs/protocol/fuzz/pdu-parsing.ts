import {
  clientEvent,
  contentHash,
  eventIdOf,
  examinePdu,
  federationEvent,
  generateSigningKey,
  hashAndSignEvent,
  hasValidContentHash,
  type JsonValue,
  type Pdu,
  ProtocolError,
  parseJson,
  parsePdu,
  ROOM_VERSIONS,
  type RoomVersionRules,
  ready,
  redactEvent,
  requiredSigners,
  type UnsignedEvent,
  verifyEventSignatures,
} from '@ganglion/protocol';
import fc from 'fast-check';
import { damaged, hostileJsonText, jsonText } from './hostile-json.ts';

await ready();
const KEY = generateSigningKey('fuzz');
const HASH = '5jM4wQpv6lnBo7CLIghJuHdW-s2CMBJPUOGOC89ncos';

const CONTENTS: readonly (readonly [type: string, content: Record<string, JsonValue>])[] = [
  ['m.room.message', { msgtype: 'm.text', body: 'Zoë 🦓' }],
  ['m.room.create', { room_version: '12', creator: '@a:b', additional_creators: ['@c:d'] }],
  ['m.room.member', { membership: 'join', join_authorised_via_users_server: '@c:example.org' }],
  ['m.room.member', { membership: 'invite', third_party_invite: { signed: { mxid: '@a:b', token: 't' } } }],
  ['m.room.power_levels', { users: { '@a:b': 100 }, events: {}, ban: 50, invite: 0 }],
  ['m.room.redaction', { redacts: `$${HASH}` }],
];

function validPdu(rules: RoomVersionRules, [type, content]: (typeof CONTENTS)[number]): Pdu {
  const inEvent = rules.eventIdFormat === 'in-event';
  const reference = inEvent ? (['$a:example.org', { sha256: HASH }] as const) : `$${HASH}`;
  const event: UnsignedEvent = {
    type,
    ...(inEvent && { event_id: '$b:example.org' }),
    room_id: rules.roomIdIsCreateHash ? `!${HASH}` : '!room:example.org',
    sender: '@alice:example.org',
    state_key: '',
    content,
    depth: 7,
    origin_server_ts: 1_700_000_000_000,
    prev_events: [reference],
    auth_events: [reference],
    redacts: `$${HASH}`,
    unsigned: { age: 5 },
  };
  return hashAndSignEvent(event, rules, 'example.org', KEY).pdu;
}

/** Signing is slow, so every valid event is made once. */
const VALID = ROOM_VERSIONS.flatMap((rules) => CONTENTS.map((content) => ({ rules, pdu: validPdu(rules, content) })));

/** The text of an event with the values at some of its keys, at any depth, replaced by hostile ones. */
function mutated(pdu: Pdu): fc.Arbitrary<string> {
  const keys = new Set(Array.from(JSON.stringify(pdu).matchAll(/"([a-z_0-9]+)":/g), ([, key = '']) => key));
  const mutation = fc.tuple(fc.constantFrom(...keys, 'org.example', '__proto__'), jsonText);
  return fc.array(mutation, { maxLength: 4 }).map((mutations) => {
    const marked = mutations.reduce<Record<string, unknown>>((event, [key], index) => put(event, key, `<${index}>`), {
      ...pdu,
    });
    return mutations.reduce(
      (text, [, value], index) => text.replace(`"<${index}>"`, () => value),
      JSON.stringify(marked),
    );
  });
}

/** Puts a value where the key stands, at the top if it stands nowhere. */
function put(event: Record<string, unknown>, key: string, value: unknown): Record<string, unknown> {
  const inside = Object.entries(event).find(([, child]) => isRecord(child) && Object.hasOwn(child, key));
  if (inside === undefined || Object.hasOwn(event, key)) return { ...event, [key]: value };
  return { ...event, [inside[0]]: { ...(inside[1] as object), [key]: value } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const received = fc.constantFrom(...VALID).chain(({ rules, pdu }) =>
  fc.record({
    rules: fc.oneof({ arbitrary: fc.constant(rules), weight: 5 }, fc.constantFrom(...ROOM_VERSIONS)),
    text: fc.oneof(mutated(pdu), damaged(mutated(pdu)), hostileJsonText),
  }),
);

function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** What other servers send is refused as an event, or is one in every respect and stays the same event when redacted. */
export const pduParsing = fc.property(received, ({ rules, text }) => {
  const pdu = parsed(() => parsePdu(parseJson(text), rules));
  const examined = parsed(() => examinePdu(text, rules));
  check((pdu === undefined) === (examined === undefined), 'what is parsed must be examined, and nothing else');
  if (pdu === undefined || examined === undefined) return;
  const redacted = redactEvent(pdu, rules);
  check(eventIdOf(redacted, rules) === eventIdOf(pdu, rules), 'redaction must keep the event id');
  check(parsePdu(redacted, rules) === redacted, 'a redacted event must be an event');
  check(
    contentHash(redactEvent(redacted, rules), rules) === contentHash(redacted, rules),
    'redaction must be idempotent',
  );
  check(hasValidContentHash(federationEvent(pdu), rules) === hasValidContentHash(pdu, rules), 'the hash must survive');
  check(examined.eventId === eventIdOf(pdu, rules), 'an examination must find the event id');
  check(examined.hashOk === hasValidContentHash(pdu, rules), 'an examination must check the hash');
  checkSignatures(pdu, redacted, rules);
  const event = { eventId: eventIdOf(pdu, rules), roomId: pdu.room_id ?? '', pdu, rejected: false };
  check(JSON.parse(JSON.stringify(clientEvent(event, { rules }))).type === pdu.type, 'clients must be able to read it');
});

/** What a call gives, if it does not end with an error of the library. */
function parsed<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Unless redaction asks for another signer (it makes a third-party invite a plain one), it changes nothing in who signed. */
function checkSignatures(pdu: Pdu, redacted: Pdu, rules: RoomVersionRules): void {
  const keys = () => ({ publicKey: KEY.publicKey, validUntilTs: Infinity });
  if (!verifyEventSignatures(pdu, rules, keys).signed) return;
  const signers = new Set(requiredSigners(pdu, rules));
  if (requiredSigners(redacted, rules).every((server) => signers.has(server))) {
    check(verifyEventSignatures(redacted, rules, keys).signed, 'redaction must keep the signatures');
  }
}
