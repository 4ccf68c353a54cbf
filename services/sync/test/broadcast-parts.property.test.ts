import fc from 'fast-check';
import type { AppendBatch } from '../src/domain/append-batch.js';
import { broadcastParts } from '../src/domain/feed/broadcast-parts.js';

const MAX = 2_000;

const KINDS = [
  'event',
  'state',
  'redaction',
  'late',
  'member',
  'account',
  'receipt',
  'message',
  'key',
  'presence',
  'typing',
  'end',
  'purge',
  'backfill',
  'nothing',
] as const;
type Kind = (typeof KINDS)[number];
interface Taken {
  readonly kind: Kind;
  readonly room: number;
  readonly size: number;
}

const taken: fc.Arbitrary<Taken> = fc.record({
  kind: fc.constantFrom(...KINDS),
  room: fc.integer({ min: 1, max: 3 }),
  size: fc.integer({ min: 0, max: 3_000 }),
});

function batchOf(positions: readonly Taken[]): AppendBatch {
  const rows = positions.map((row, index) => ({ ...row, roomNid: row.room, position: 101 + index }));
  const of = (...kinds: Kind[]) => rows.filter(({ kind }) => kinds.includes(kind));
  const events = of('event', 'state', 'redaction').map(({ kind, size, ...row }) => ({
    ...{ ...row, eventNid: row.position, text: { json: 'x'.repeat(size) } },
    redactsNid: kind === 'redaction' ? row.position - 50 : undefined,
  }));
  const nids = [...new Set(events.map(({ roomNid }) => roomNid))];
  const receipt = { userId: '@a:b', type: 'm.read', threadId: '', eventId: '$e', eventPosition: 1, ts: 1 };
  return {
    ...{ previousPosition: 100, position: 100 + rows.length, epoch: 3, events, backfilled: [{}], stateKeys: [{}] },
    rooms: nids.map((nid) => ({ nid, roomId: `!${nid}`, seq: 9 })),
    stateLog: of('state').map(({ roomNid, position }) => ({ roomNid, position, type: 'm.thing' })),
    jumps: of('state').map(({ roomNid, position }) => ({ roomNid, position })),
    redactions: [
      ...of('redaction').map(({ roomNid, position }) => ({ roomNid, eventNid: position - 50 })),
      ...of('late').map(({ roomNid, position }) => ({ roomNid, eventNid: position - 50, position })),
    ],
    purges: of('purge').map(({ roomNid, position }) => ({ roomNid, position, eventNids: [1, 2] })),
    backfills: of('backfill').map(({ roomNid, position }) => ({ roomNid, position })),
    memberships: of('member').map(({ roomNid, position }) => ({ roomNid, position, userId: '@a:b' })),
    accountData: of('account').map(({ size, position }) => ({ content: 'x'.repeat(size), position })),
    receipts: of('receipt').map(({ roomNid, position }) => ({ ...receipt, roomNid, position })),
    deviceMessages: of('message').map(({ position }) => ({ userId: '@a:b', deviceId: 'D', position })),
    keyChanges: of('key').map(({ position }) => ({ userId: '@a:b', position, roomNids: [1], signedUserIds: [] })),
    presence: of('presence').map(({ position }) => ({ userId: '@a:b', presence: 'online', position, roomNids: [1] })),
    placedMessageLists: [7],
    typing: {
      rows: of('typing').map(({ roomNid, position }) => ({ roomNid, typing: [], position })),
      endsAt: of('end').at(-1)?.position,
    },
    userSeqs: [{ userId: '@a:b', seq: 4 }],
  } as unknown as AppendBatch;
}

const together = <T>(parts: readonly AppendBatch[], rows: (part: AppendBatch) => T | readonly T[]) =>
  parts.flatMap(rows);
const ROWS = [
  ...([
    'events',
    'stateLog',
    'jumps',
    'purges',
    'backfills',
    'memberships',
    'accountData',
    'receipts',
    'deviceMessages',
    'keyChanges',
    'presence',
    'userSeqs',
  ] as const),
];
const length = ({ events, accountData }: AppendBatch) =>
  events.reduce((sum, { text }) => sum + (text?.json.length ?? 0), 0) +
  accountData.reduce((sum, row) => sum + row.content.length, 0);

it('a batch in parts is the same batch, each part following on the one before', () => {
  fc.assert(
    fc.property(fc.array(taken, { minLength: 1, maxLength: 40 }), (positions) => {
      const batch = batchOf(positions);
      const parts = broadcastParts(batch, MAX);
      expect(parts.map((part) => part.previousPosition)).toEqual([
        100,
        ...parts.slice(0, -1).map((part) => part.position),
      ]);
      expect(parts.at(-1)?.position).toBe(batch.position);
      for (const rows of ROWS) {
        expect(together<unknown>(parts, (part) => part[rows])).toEqual(batch[rows]);
      }
      expect(together(parts, ({ typing }) => typing?.rows ?? [])).toEqual(batch.typing?.rows);
      expect(together(parts, ({ typing }) => typing?.endsAt ?? [])).toEqual([batch.typing?.endsAt ?? []].flat());
      for (const part of parts) {
        const at = ({ position }: { position: number }) =>
          position > part.previousPosition && position <= part.position;
        const own = ROWS.flatMap((rows): readonly object[] => (rows === 'userSeqs' ? [] : (part[rows] ?? [])));
        own.push(
          ...(part.typing?.rows ?? []),
          ...(part.typing?.endsAt === undefined ? [] : [{ position: part.typing.endsAt }]),
        );
        expect(own.every((row) => at(row as { position: number }))).toBe(true);
        expect([part.epoch, part.backfilled, part.stateKeys]).toEqual([3, [], []]);
        expect(length(part) <= MAX || part.events.length + part.accountData.length === 1).toBe(true);
        const redacted = part.redactions.map(({ eventNid }) => eventNid + 50).sort();
        const redacting = positions.flatMap(({ kind }, index) =>
          kind === 'redaction' || kind === 'late' ? 101 + index : [],
        );
        expect(redacted).toEqual(redacting.filter((position) => at({ position })));
      }
    }),
  );
});

it('and it says of a room how far it has come only in the last part with an event of it', () => {
  const event = (room: number): Taken => ({ kind: 'event', room, size: MAX - 300 });
  const parts = broadcastParts(batchOf([event(1), event(2), event(1)]), MAX);
  expect(parts.map(({ rooms }) => rooms.map(({ nid, seq }) => [nid, seq]))).toEqual([
    [[1, 0]],
    [[2, 9]],
    [
      [1, 9],
      [2, 9],
    ],
  ]);
});
