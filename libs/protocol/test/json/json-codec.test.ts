import {
  applyEventFields,
  canonicalJsonString,
  clientEvent,
  compileEventFields,
  eventIdOf,
  exactJson,
  hashAndSignEvent,
  jsonCodec,
  type Pdu,
  parseJson,
  ready,
  redactEventJson,
  signingKeyFromSeed,
} from '../../src/index.js';
import { messagePdu } from '../support/pdus.js';
import { rulesOf } from '../support/rules.js';

const UNUSUAL = '{"b":[1.0,-0,1e3],"a":{"x":9223372036854775807,"y":-12345678901234567890},"plain":7}';

it('what is read and written again has its numbers and its order as they were', () => {
  const codec = jsonCodec(UNUSUAL);
  expect(codec.stringify(codec.parse(UNUSUAL) as object)).toBe(UNUSUAL);
  expect(exactJson.stringify(exactJson.parse('{"b":"1.0","a":"\\ud800"}') as object)).toBe('{"b":"1.0","a":"\\ud800"}');
});

it('nothing but JSON itself is used where no number can be lost', () => {
  expect(jsonCodec('{"depth":12,"ts":1700000000000}')).toBe(JSON);
  expect(jsonCodec(UNUSUAL, rulesOf('6'))).toBe(JSON);
  expect(jsonCodec(UNUSUAL, rulesOf('5'))).not.toBe(JSON);
});

it('the redacted copy of an event of an old room is the very event', async () => {
  await ready();
  const rules = rulesOf('5');
  const levels = '{"ban":50.0,"users":{"@alice:example.org":9007199254740993},"note":1.0}';
  const text = JSON.stringify(messagePdu(rules, { type: 'm.room.power_levels', state_key: '', content: {} }))
    .replace('"content":{}', `"content":${levels}`)
    .replace('"depth":12', '"depth":9223372036854775807');
  const key = signingKeyFromSeed('a', new Uint8Array(32));
  const { eventId, pdu } = hashAndSignEvent(parseJson(text) as unknown as Pdu, rules, 'example.org', key);
  const redacted = redactEventJson(canonicalJsonString(pdu as never, { strict: false }), rules);
  expect(redacted).toContain('"depth":9223372036854775807');
  expect(redacted).toContain('"ban":50.0');
  expect(redacted).not.toContain('note');
  expect(eventIdOf(parseJson(redacted) as unknown as Pdu, rules)).toBe(eventId);
});

it('what clients get of an event has the numbers of its content', () => {
  const rules = rulesOf('5');
  const content = '{"body":"x","float":1.0,"huge":9007199254740993}';
  const text = JSON.stringify(messagePdu(rules, { type: 'm.room.redaction', redacts: '$other', content: {} })).replace(
    '"content":{}',
    `"content":${content}`,
  );
  const event = { eventId: '$e', roomId: '!r:x', pdu: parseJson(text) as unknown as Pdu, rejected: false };
  const shown = clientEvent(event, { rules });
  expect(exactJson.stringify(shown.content)).toBe(`${content.slice(0, -1)},"redacts":"$other"}`);
  const fields = compileEventFields(['content.float']);
  expect(exactJson.stringify(applyEventFields(shown as never, fields))).toBe('{"content":{"float":1.0}}');
});
