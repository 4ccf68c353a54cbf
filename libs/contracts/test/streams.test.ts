import fc from 'fast-check';
import { ANNOUNCEMENTS, ROOM_EVENTS, TOKENS_REVOKED, USER_CHANGES } from '../src/index.js';
import type { LoggedEvent, RoomEvents } from '../src/room.js';
import type { UserChanges } from '../src/user.js';

/** Any text that UTF-8 can carry, U+0000 and the ends of Unicode among it. */
const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const transaction = fc.record({ userId: text, deviceId: text, txnId: text, scope: text });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const event: fc.Arbitrary<LoggedEvent> = fc.record({
  roomSeq: seq,
  eventId: text,
  pduJson: text,
  eventNid: seq,
  ...{ visibility: text, previousVisibility: optional(text), hasMoreStateChanges: fc.boolean() },
  memberships: fc.array(fc.record({ userId: text, membership: text })),
  stateChanges: fc.array(
    fc.record({ type: text, stateKey: text, eventId: text, eventNid: seq, keyNid: seq, membership: optional(text) }),
  ),
  transaction: optional(transaction),
  redactedEventId: optional(text),
  redactedEventNid: optional(seq),
  strippedStateJson: optional(text),
});
const roomEvents: fc.Arbitrary<RoomEvents> = fc.record({
  roomId: text,
  roomVersion: text,
  roomNid: seq,
  events: fc.array(event, { maxLength: 5 }),
});
const userChanges: fc.Arbitrary<UserChanges> = fc.record({
  userId: text,
  changes: fc.array(
    fc.record({
      userSeq: seq,
      accountData: fc.option(fc.record({ roomId: text, type: text, contentJson: text }), { nil: undefined }),
    }),
    { maxLength: 5 },
  ),
});

describe('what streams and topics carry arrives as it was sent:', () => {
  it('events of rooms', () => {
    fc.assert(
      fc.property(roomEvents, (message) => {
        expect(ROOM_EVENTS.codec.decode(ROOM_EVENTS.codec.encode(message))).toEqual(message);
      }),
    );
  });

  it('changes of users', () => {
    fc.assert(
      fc.property(userChanges, (message) => {
        expect(USER_CHANGES.codec.decode(USER_CHANGES.codec.encode(message))).toEqual(message);
      }),
    );
  });

  it('hashes of tokens, byte for byte', () => {
    const tokenHashes = [Buffer.alloc(32, 0xff), Buffer.from([0, 128, 255]), Buffer.alloc(0)];
    const { codec } = TOKENS_REVOKED;
    const revoked = { tokenHashes, replaced: true, userId: '@alice:one.test', deviceIds: ['PHONE'] };
    const decoded = codec.decode(codec.encode(revoked));
    expect({ ...decoded, tokenHashes: decoded.tokenHashes.map((hash) => Buffer.from(hash)) }).toEqual(revoked);
  });

  it('announcements', () => {
    const { codec } = ANNOUNCEMENTS;
    const announcement = { id: '!room:one.test', seq: Number.MAX_SAFE_INTEGER };
    for (const sent of [announcement, { ...announcement, users: ['@alice:one.test'] }]) {
      expect(codec.decode(codec.encode(sent))).toEqual(sent);
    }
  });
});

describe('an empty text and none', () => {
  const sent = (redactedEventId: string | undefined) => {
    const plain = { roomSeq: 1, eventId: '$e', eventNid: 1, pduJson: '{}', stateChanges: [], memberships: [] };
    const events = [{ ...plain, visibility: 'shared', hasMoreStateChanges: false, redactedEventId }];
    const bytes = ROOM_EVENTS.codec.encode({ roomId: '!r', roomVersion: '12', roomNid: 1, events });
    return ROOM_EVENTS.codec.decode(bytes).events[0]?.redactedEventId;
  };

  it('are two things', () => expect([sent(''), sent(undefined)]).toEqual(['', undefined]));
});

describe('what is no message', () => {
  const nonsense: [string, Uint8Array][] = [
    [
      'a message cut off',
      ROOM_EVENTS.codec.encode({ roomId: '!room:one.test', roomVersion: '12', roomNid: 1, events: [] }).slice(0, 5),
    ],
    ['a number beyond what can be counted', Buffer.from([0x0a, 0x0c, 0x08, ...new Array(9).fill(0xff), 0x01])],
  ];

  it.each(nonsense)('%s: is refused', (_, bytes) => {
    expect(() => ROOM_EVENTS.codec.decode(bytes)).toThrow();
  });

  const users = ['{"id":"a","seq":1,"users":[1]}', '{"id":"a","seq":1,"users":"b"}'];
  it.each(['{}', '[]', 'null', '1', '{"id":1,"seq":1}', '{"id":"a","seq":"1"}', ...users, '{', '\xff'])(
    '%s: is refused as an announcement',
    (json) => {
      expect(() => ANNOUNCEMENTS.codec.decode(Buffer.from(json, 'latin1'))).toThrow();
    },
  );
});

it('a message of a later release is read without what is new in it', () => {
  const message = { userId: '@alice:one.test', changes: [] };
  const unknownField = [0x9a, 0x06, 0x03, 0x6e, 0x65, 0x77];
  const bytes = Buffer.concat([USER_CHANGES.codec.encode(message), Buffer.from(unknownField)]);
  expect(USER_CHANGES.codec.decode(bytes)).toEqual(message);
});

it('streams have names of their own and room for replicas to share them', () => {
  const streams = [ROOM_EVENTS, USER_CHANGES];
  const names = [...streams, TOKENS_REVOKED, ANNOUNCEMENTS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { shards, name } of streams) expect([shards > 1, /^[\w-]+$/.test(name)]).toEqual([true, true]);
});
