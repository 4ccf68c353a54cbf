import type { LoggedEvent } from '@ganglion/contracts/room';
import { messagesOf } from '../src/publish/room-outbox.js';
import { splitRun } from '../src/publish/split-run.js';

const event = (roomSeq: number, body: string): LoggedEvent => ({
  ...{ eventNid: roomSeq, eventId: `$${roomSeq}`, roomSeq, pduJson: JSON.stringify({ body }) },
  ...{ stateChanges: [], memberships: [], hasMoreStateChanges: false, visibility: 'shared' },
});
const run = (events: LoggedEvent[]) => ({ roomId: '!room:one.test', roomVersion: '12', roomNid: 7, events });
const seqs = (part: { events: readonly LoggedEvent[] }) => part.events.map(({ roomSeq }) => roomSeq);

it('a run that is small travels as one message', () => {
  const events = [1, 2, 3].map((seq) => event(seq, 'hello'));
  expect(splitRun(run(events)).map(seqs)).toEqual([[1, 2, 3]]);
});

it.each([
  ['plain', 'x'.repeat(60_000)],
  ['of three bytes a character', '語'.repeat(20_000)],
  ['full of what JSON escapes', '"\\\n'.repeat(10_000)],
])('a run of a thousand large events, %s, travels in order in messages that NATS takes', (_, body) => {
  const events = Array.from({ length: 1_000 }, (__, index) => event(index + 1, body));
  const parts = splitRun(run(events));
  expect(parts.flatMap(seqs)).toEqual(events.map(({ roomSeq }) => roomSeq));
  for (const part of parts) expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(1_000_000);
  expect(new Set(messagesOf(run(events)).map(({ id }) => id)).size).toBe(parts.length);
});

it('a thousand invites and as many pieces of state travel in few messages', () => {
  const events = Array.from({ length: 2_000 }, (_, index) => event(index + 1, 'invite'));
  expect(splitRun(run(events)).length).toBeLessThan(10);
});
