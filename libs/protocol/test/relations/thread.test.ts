import fc from 'fast-check';
import {
  canBeThreadRoot,
  InvalidThreadIdError,
  isInReachOfThread,
  parseReceiptThreadId,
  type RelatableEvent,
  receiptReachesThread,
  threadIdAfter,
  threadIdOf,
} from '../../src/index.js';
import { eventOf, inThread, relating } from './events-for-tests.js';

/** The room of one table: what each event relates to, and the thread it is in. */
const EVENTS: [event: RelatableEvent, threadId: string, why: string][] = [
  [eventOf('$root'), 'main', 'a root is in the main timeline'],
  [eventOf('$plain'), 'main', 'so is what relates to nothing'],
  [inThread('$root', '$message'), '$root', 'a thread relation puts an event in the thread'],
  [eventOf('$reaction', { content: relating('m.annotation', '$message') }), '$root', 'one hop'],
  [eventOf('$reference', { content: relating('m.reference', '$reaction') }), '$root', 'two hops'],
  [eventOf('$third', { content: relating('m.reference', '$reference') }), '$root', 'three hops'],
  [eventOf('$fourth', { content: relating('m.reference', '$third') }), 'main', 'four hops are too many'],
  [
    eventOf('$reaction-to-root', { content: relating('m.annotation', '$root') }),
    'main',
    'of the root, but not in its thread',
  ],
  [
    eventOf('$reply', { content: { 'm.relates_to': { 'm.in_reply_to': { event_id: '$message' } } } }),
    'main',
    'a reply follows no relation',
  ],
  [inThread('$message', '$nested'), 'main', 'threads do not nest'],
  [inThread('$reply', '$under-reply'), '$reply', 'a reply may be a root'],
  [inThread('$unknown', '$orphan'), '$unknown', 'a root that is not known may be one'],
  [
    eventOf('$lost', { content: relating('m.reference', '$unknown') }),
    'main',
    'a parent that is not known is in no thread',
  ],
  [inThread('$elsewhere', '$intruder'), 'main', 'a root in another room is none'],
  [eventOf('$elsewhere', { room_id: '!other:example.org' }), 'main', 'alone in its room'],
  [eventOf('$loop', { content: relating('m.reference', '$loop') }), 'main', 'a loop ends'],
];

describe('the thread of an event', () => {
  const known = new Map(EVENTS.map(([event]) => [event.event_id, event]));
  it.each(EVENTS.map(([event, threadId, why]) => [event.event_id, threadId, why, event] as const))(
    '%s is in %s: %s',
    (_id, threadId, _why, event) => {
      expect(threadIdOf(event, (eventId) => known.get(eventId))).toBe(threadId);
    },
  );
});

describe('a receipt for a thread', () => {
  const known = new Map(EVENTS.map(([event]) => [event.event_id, event]));
  const reached = (threadId: string) =>
    EVENTS.map(([event]) => event)
      .filter((event) => isInReachOfThread(event, threadId, (eventId) => known.get(eventId)))
      .map(({ event_id }) => event_id.slice(1))
      .join(' ');

  it('may name its root, what is in it, and what relates to these over three hops', () => {
    expect(reached('$root')).toBe('root message reaction reference third reaction-to-root nested');
    expect(reached('$reply')).toBe('reply under-reply');
    expect(reached('$loop')).toBe('loop');
    expect(reached('$unknown')).toBe('orphan lost');
  });

  it('may name what is in no thread, for the main timeline', () => {
    const inMain = EVENTS.filter(([, threadId]) => threadId === 'main').map(([{ event_id }]) => event_id.slice(1));
    expect(reached('main')).toBe(inMain.join(' '));
  });
});

describe('the thread of an event after others whose threads are known', () => {
  const threads = new Map([['$message', '$root']]);

  it.each<[string, unknown, string]>([
    ['is main without a relation', { body: 'hi' }, 'main'],
    ['is main for content of any shape', null, 'main'],
    ['is the one that it names', relating('m.thread', '$root'), '$root'],
    ['is that of what it relates to', relating('m.annotation', '$message'), '$root'],
    ['is main when nothing is known of what it relates to', relating('m.annotation', '$unknown'), 'main'],
  ])('%s', (_title, content, expected) => {
    expect(threadIdAfter(content, (eventId) => threads.get(eventId))).toBe(expected);
  });
});

describe('the root of a thread', () => {
  it.each<[string, RelatableEvent, boolean]>([
    ['may be any event', eventOf('$a'), true],
    ['may be a state event', eventOf('$a', { state_key: '' }), true],
    ['may be a reply', eventOf('$a', { content: { 'm.relates_to': { 'm.in_reply_to': { event_id: '$b' } } } }), true],
    ['may not be in a thread', inThread('$b', '$a'), false],
    ['may not be an edit', eventOf('$a', { content: relating('m.replace', '$b') }), false],
    ['may not be a reaction', eventOf('$a', { content: relating('m.annotation', '$b') }), false],
  ])('%s', (_name, event, expected) => {
    expect(canBeThreadRoot(event)).toBe(expected);
  });
});

describe('the thread id of a receipt', () => {
  it.each([undefined, 'main', '$a', '$a:example.org'])('may be %j', (threadId) => {
    expect(parseReceiptThreadId(threadId)).toBe(threadId);
  });

  it.each([null, '', 7, 'a', 'MAIN', '$', ['main'], `$${'a'.repeat(255)}`])('may not be %j', (threadId) => {
    expect(() => parseReceiptThreadId(threadId)).toThrow(InvalidThreadIdError);
  });

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.anything(), (threadId) => {
        try {
          expect([undefined, 'main', threadId]).toContain(parseReceiptThreadId(threadId));
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidThreadIdError);
        }
      }),
    );
  });

  it.each<[string | undefined, string, boolean]>([
    [undefined, 'main', true],
    [undefined, '$a', true],
    ['main', 'main', true],
    ['main', '$a', false],
    ['$a', '$a', true],
    ['$a', '$b', false],
    ['$a', 'main', false],
  ])('%s reaches %s: %s', (receipt, thread, expected) => {
    expect(receiptReachesThread(receipt, thread)).toBe(expected);
  });
});
