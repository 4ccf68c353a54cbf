import fc from 'fast-check';
import {
  annotationOf,
  buildEvent,
  canBeThreadRoot,
  clientEvent,
  contentHash,
  decodeBase64,
  eventIdOf,
  federationEvent,
  hasValidContentHash,
  isInReachOfThread,
  isKeyValidAt,
  type JsonObject,
  type JsonValue,
  ProtocolError,
  parseHistoryVisibility,
  parsePdu,
  parseReceiptThreadId,
  parseServerKeys,
  ready,
  redactEvent,
  redactSyncEvent,
  referenceHash,
  repliedTo,
  requiredSigners,
  resolveState,
  roomsThatMayJoin,
  signingKeyFromSeed,
  signingKeyIds,
  signJson,
  stateTuple,
  strippedState,
  syncEvent,
  threadIdAfter,
  verifyEventSignatures,
  verifyJsonSignature,
} from '../src/index.js';
import { anyRules, canonicalValue, pduOf, text } from './support/arbitraries.js';

beforeAll(ready);

const KEY = signingKeyFromSeed.bind(undefined, '1', new Uint8Array(32).fill(7));
const KEYS = () => ({ publicKey: new Uint8Array(32), validUntilTs: 5 });

/** Whether a call ends with an answer, or with an error that the library says it throws. */
function endsWell(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
}

/** Objects with the names that the library looks for, and anything behind them. */
const hostileObject = fc.dictionary(
  fc.oneof(
    text,
    fc.constantFrom('signatures', 'verify_keys', 'old_verify_keys', 'valid_until_ts', 'server_name', 'example.org'),
    fc.constantFrom('ed25519:1', 'key', 'm.relates_to', 'rel_type', 'event_id', 'm.in_reply_to', 'type', 'state_key'),
    fc.constantFrom('allow', 'join_rule', 'room_id', 'history_visibility', 'sender', 'content', '__proto__'),
  ),
  fc.oneof(canonicalValue, fc.constantFrom<JsonValue>('restricted', 'example.org', 'm.thread', '$x', {}, [])),
  { noNullPrototype: true },
) as fc.Arbitrary<JsonObject>;

describe('whatever comes from outside, a call ends with an answer or an error of the library', () => {
  it('when it is any value', () => {
    const calls: ((value: unknown) => unknown)[] = [
      (value) => parseServerKeys(value, 'example.org', 1),
      strippedState,
      parseHistoryVisibility,
      parseReceiptThreadId,
      annotationOf,
      repliedTo,
      (value) => threadIdAfter(value, () => undefined),
    ];
    const anything = fc.oneof(
      hostileObject,
      fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...calls), anything, (call, value) => endsWell(() => call(value))),
      { numRuns: 1000 },
    );
  });

  it('when it is any object', () => {
    fc.assert(
      fc.property(anyRules, hostileObject, (rules, object) => {
        endsWell(() => verifyJsonSignature(object, 'example.org', 'ed25519:1', KEY().publicKey));
        endsWell(() => signJson(object, 'example.org', KEY()));
        endsWell(() => signingKeyIds(object as never, 'example.org'));
        endsWell(() => roomsThatMayJoin(object, rules));
        endsWell(() => canBeThreadRoot({ content: object }));
        const related = { event_id: '$x', room_id: '!r', content: object };
        endsWell(() => isInReachOfThread(related, '$t', () => related));
      }),
      { numRuns: 500 },
    );
  });

  it('when it is any text', () => {
    fc.assert(fc.property(text, (value) => endsWell(() => decodeBase64(value))));
  });

  it('when it is any event of its room version', () => {
    const event = anyRules.chain((rules) => fc.tuple(fc.constant(rules), pduOf(rules), hostileObject));
    fc.assert(
      fc.property(event, ([rules, given, content]) => {
        const pdu = parsePdu({ ...given, content }, rules);
        const roomEvent = { eventId: '$x', roomId: '!r', pdu, rejected: false };
        endsWell(() => verifyEventSignatures(pdu, rules, KEYS));
        endsWell(() => requiredSigners(pdu, rules));
        for (const hash of [contentHash, hasValidContentHash, referenceHash, eventIdOf])
          endsWell(() => hash(pdu, rules));
        endsWell(() => redactEvent(pdu, rules));
        endsWell(() => federationEvent(pdu));
        endsWell(() => clientEvent(roomEvent, { rules }));
        endsWell(() => redactSyncEvent(syncEvent(roomEvent, { rules }), rules));
        endsWell(() => buildEvent(pdu, { roomId: '!r', prev_events: [], auth_events: [], depth: 1 }, rules));
        endsWell(() => isKeyValidAt(KEYS(), pdu.origin_server_ts, rules));
        const states = ['a', 'b'].map((id) => new Map([[stateTuple(pdu.type, pdu.state_key ?? ''), id]]));
        endsWell(() => resolveState(states, { event: (eventId) => ({ ...roomEvent, eventId }) }, rules));
      }),
      { numRuns: 500 },
    );
  });
});
