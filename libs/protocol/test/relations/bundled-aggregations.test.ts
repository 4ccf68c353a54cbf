import { bundleAggregations, type RelatableEvent } from '../../src/index.js';
import { ALICE, BOB, editOf, eventOf, inThread, relating } from './events-for-tests.js';

const CAROL = '@carol:example.org';
const root = eventOf('$root');
const asBob = { userId: BOB, ignoredUsers: new Set<string>() };
const ignoringCarol = { userId: BOB, ignoredUsers: new Set([CAROL]) };

describe('what is bundled with an event', () => {
  it('is nothing when nothing relates to it', () => {
    const others = [eventOf('$a'), inThread('$other', '$b'), editOf('$other', '$c')];
    expect(bundleAggregations(root, others, asBob)).toEqual({});
  });

  it('is all kinds at once', () => {
    const edit = editOf('$root', '$edit');
    const reply = inThread('$root', '$reply');
    const reference = eventOf('$reference', { content: relating('m.reference', '$root') });
    expect(bundleAggregations(root, [edit, reply, reference], asBob)).toEqual({
      'm.replace': edit,
      'm.thread': { latest_event: reply, count: 1, current_user_participated: false },
      'm.reference': { chunk: [{ event_id: '$reference' }] },
    });
  });

  it('is never an annotation, nor a reply outside of threads', () => {
    const reaction = eventOf('$a', { content: relating('m.annotation', '$root') });
    const reply = eventOf('$b', { content: { 'm.relates_to': { 'm.in_reply_to': { event_id: '$root' } } } });
    expect(bundleAggregations(root, [reaction, reply], asBob)).toEqual({});
  });

  it('is nothing with a state event', () => {
    expect(bundleAggregations({ ...root, state_key: '' }, [inThread('$root', '$a')], asBob)).toEqual({});
  });

  it('is nothing of another room', () => {
    const elsewhere = { room_id: '!other:example.org' };
    const children = [
      inThread('$root', '$a', elsewhere),
      eventOf('$b', { content: relating('m.reference', '$root'), ...elsewhere }),
    ];
    expect(bundleAggregations(root, children, asBob)).toEqual({});
  });

  it('is nothing of a child that was redacted, which relates to nothing any more', () => {
    expect(bundleAggregations(root, [eventOf('$a', { content: {} })], asBob)).toEqual({});
  });

  it('is no edit, but still the thread, with a redacted event', () => {
    const redacted = { ...root, content: {}, unsigned: { redacted_because: { event_id: '$r' } } };
    const bundled = bundleAggregations(redacted, [editOf('$root', '$a'), inThread('$root', '$b')], asBob);
    expect(Object.keys(bundled)).toEqual(['m.thread']);
  });

  it('is nothing of users whom the viewer ignores', () => {
    const by = { sender: CAROL };
    const children = [inThread('$root', '$a', by), eventOf('$b', { content: relating('m.reference', '$root'), ...by })];
    expect(bundleAggregations(root, children, ignoringCarol)).toEqual({});
    const carols = { ...root, sender: CAROL };
    expect(bundleAggregations(carols, [editOf('$root', '$c', by)], ignoringCarol)).toEqual({});
    expect(Object.keys(bundleAggregations(carols, [editOf('$root', '$c', by)], asBob))).toEqual(['m.replace']);
  });
});

describe('the summary of a thread', () => {
  const summary = (children: RelatableEvent[], viewer = asBob, of = root) =>
    bundleAggregations(of, children, viewer)['m.thread'];
  const replies = [
    inThread('$root', '$1'),
    inThread('$root', '$2', { origin_server_ts: 0 }),
    inThread('$root', '$3', { sender: CAROL }),
  ];

  it('has the last event in topological order, whatever the times say', () => {
    expect(summary(replies.slice(0, 2))?.latest_event.event_id).toBe('$2');
  });

  it('counts what is in the thread by its own relation alone', () => {
    const children = [...replies, editOf('$1', '$4'), eventOf('$5', { content: relating('m.annotation', '$1') })];
    expect(summary(children)?.count).toBe(3);
  });

  it('leaves out users whom the viewer ignores', () => {
    expect(summary(replies, ignoringCarol)).toMatchObject({ latest_event: { event_id: '$2' }, count: 2 });
  });

  it.each<[string, string, RelatableEvent[], boolean]>([
    ['the sender of the root', ALICE, replies.slice(2), true],
    ['the sender of a reply', CAROL, replies, true],
    ['somebody else', BOB, replies, false],
    [
      'somebody who only reacted',
      BOB,
      [...replies, eventOf('$6', { sender: BOB, content: relating('m.annotation', '$1') })],
      false,
    ],
  ])('says whether the viewer took part: %s', (_name, userId, children, participated) => {
    const viewer = { userId, ignoredUsers: new Set<string>() };
    expect(summary(children, viewer)?.current_user_participated).toBe(participated);
  });

  it('is none where the event cannot be a root', () => {
    expect(summary(replies, asBob, { ...root, content: relating('m.thread', '$other') })).toBeUndefined();
  });
});
