import fc from 'fast-check';
import { latestReplacement, type RelatableEvent, replacementRefusal } from '../../src/index.js';
import { BOB, editOf, eventOf, relating } from './events-for-tests.js';

describe('a replacement', () => {
  const original = eventOf('$original');
  const cases: [name: string, original: RelatableEvent, replacement: RelatableEvent, refusal: string | undefined][] = [
    ['that meets every requirement', original, editOf('$original', '$edit'), undefined],
    ['that changes the msgtype', original, { ...editOf('$original', '$edit') }, undefined],
    ['of another event', original, editOf('$other', '$edit'), 'not a replacement of this event'],
    [
      'that is a reply',
      original,
      eventOf('$edit', { content: relating('m.thread', '$original') }),
      'not a replacement of this event',
    ],
    ['that relates to nothing', original, eventOf('$edit'), 'not a replacement of this event'],
    ['in another room', original, editOf('$original', '$edit', { room_id: '!other' }), 'different room'],
    ['by somebody else', original, editOf('$original', '$edit', { sender: BOB }), 'different sender'],
    ['of another type', original, editOf('$original', '$edit', { type: 'm.sticker' }), 'different type'],
    ['that is a state event', original, editOf('$original', '$edit', { state_key: '' }), 'state event'],
    ['of a state event', { ...original, state_key: '' }, editOf('$original', '$edit'), 'state event'],
    ['of a replacement', editOf('$first', '$original'), editOf('$original', '$edit'), 'original is a replacement'],
    [
      'of a message in a thread',
      { ...original, content: relating('m.thread', '$a') },
      editOf('$original', '$edit'),
      undefined,
    ],
    [
      'without new content',
      original,
      editOf('$original', '$edit', { content: relating('m.replace', '$original') }),
      'no m.new_content',
    ],
    [
      'that is encrypted, as the original is',
      { ...original, type: 'm.room.encrypted' },
      editOf('$original', '$edit', { type: 'm.room.encrypted', content: relating('m.replace', '$original') }),
      undefined,
    ],
    [
      'that is not encrypted, as the original is',
      { ...original, type: 'm.room.encrypted' },
      editOf('$original', '$edit'),
      'different type',
    ],
  ];
  it.each(cases)('%s', (_name, original, replacement, refusal) => {
    expect(replacementRefusal(original, replacement)).toBe(refusal);
    expect(latestReplacement(original, [replacement])).toBe(refusal === undefined ? replacement : undefined);
  });
});

describe('the latest replacement', () => {
  const original = eventOf('$original');
  const at = (event_id: string, origin_server_ts: number) => editOf('$original', event_id, { origin_server_ts });

  it('is the one with the highest origin_server_ts', () => {
    const edits = [at('$b', 20), at('$c', 30), at('$a', 10)];
    expect(latestReplacement(original, edits)?.event_id).toBe('$c');
  });

  it('is the one with the largest event id where the times are equal', () => {
    expect(latestReplacement(original, [at('$b', 5), at('$c', 5), at('$a', 5)])?.event_id).toBe('$c');
  });

  it('is none of those that are not valid, however recent', () => {
    const edits = [at('$a', 1), { ...at('$z', 99), sender: BOB }];
    expect(latestReplacement(original, edits)?.event_id).toBe('$a');
  });

  it('is none of a redacted original', () => {
    const redacted = { ...original, content: {}, unsigned: { redacted_because: {} } };
    expect(latestReplacement(redacted, [at('$a', 1)])).toBeUndefined();
  });

  it('is none of none', () => {
    expect(latestReplacement(original, [])).toBeUndefined();
  });

  it('does not depend on the order in which they come', () => {
    const edit = fc.tuple(fc.stringMatching(/^\$[a-z]{1,3}$/), fc.nat(3)).map(([id, ts]) => at(id, ts));
    const edits = fc.uniqueArray(edit, { selector: ({ event_id }) => event_id, minLength: 1 });
    fc.assert(
      fc.property(edits, (edits) => {
        expect(latestReplacement(original, edits.toReversed())).toBe(latestReplacement(original, edits));
      }),
    );
  });
});
