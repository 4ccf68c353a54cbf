import fc from 'fast-check';
import { annotationOf, isFallbackReply, relationOf, repliedTo } from '../../src/index.js';

const relates = (value: unknown) => ({ body: 'x', 'm.relates_to': value });

describe('the relation of an event', () => {
  it.each<[string, unknown, unknown]>([
    ['a thread', { rel_type: 'm.thread', event_id: '$a' }, { relType: 'm.thread', eventId: '$a' }],
    ['an edit', { rel_type: 'm.replace', event_id: '$a' }, { relType: 'm.replace', eventId: '$a' }],
    ['a reference', { rel_type: 'm.reference', event_id: '$a' }, { relType: 'm.reference', eventId: '$a' }],
    [
      'an annotation',
      { rel_type: 'm.annotation', event_id: '$a', key: '👍' },
      { relType: 'm.annotation', eventId: '$a', key: '👍' },
    ],
    [
      'one of another kind',
      { rel_type: 'org.example.x', event_id: '$a:b' },
      { relType: 'org.example.x', eventId: '$a:b' },
    ],
    [
      'a key that is no text',
      { rel_type: 'm.annotation', event_id: '$a', key: 7 },
      { relType: 'm.annotation', eventId: '$a' },
    ],
    ['a reply alone', { 'm.in_reply_to': { event_id: '$a' } }, undefined],
    ['no kind', { event_id: '$a' }, undefined],
    ['an empty kind', { rel_type: '', event_id: '$a' }, undefined],
    ['an endless kind', { rel_type: 'a'.repeat(256), event_id: '$a' }, undefined],
    ['a kind that is no text', { rel_type: ['m.thread'], event_id: '$a' }, undefined],
    ['no parent', { rel_type: 'm.thread' }, undefined],
    ['a parent that is no event id', { rel_type: 'm.thread', event_id: 'a' }, undefined],
    ['an endless parent', { rel_type: 'm.thread', event_id: `$${'a'.repeat(255)}` }, undefined],
    ['what is no object', 'm.thread', undefined],
    ['a list', [{ rel_type: 'm.thread', event_id: '$a' }], undefined],
    ['null', null, undefined],
    ['nothing', undefined, undefined],
  ])('is read from %s', (_name, value, expected) => {
    expect(relationOf(relates(value))).toEqual(expected);
  });
});

describe('replies', () => {
  const fallback = {
    rel_type: 'm.thread',
    event_id: '$root',
    'm.in_reply_to': { event_id: '$a' },
    is_falling_back: true,
  };
  it.each<[string, unknown, string | undefined, boolean]>([
    ['a reply', { 'm.in_reply_to': { event_id: '$a' } }, '$a', false],
    ['a reply for clients without threads', fallback, '$a', true],
    ['a reply in a thread', { ...fallback, is_falling_back: false }, '$a', false],
    ['a reply in a thread that says nothing of it', { ...fallback, is_falling_back: undefined }, '$a', false],
    ['a fallback by something else than true', { ...fallback, is_falling_back: 'true' }, '$a', false],
    ['a fallback outside of threads', { 'm.in_reply_to': { event_id: '$a' }, is_falling_back: true }, '$a', false],
    ['a reply to what is no event id', { 'm.in_reply_to': { event_id: 'a' } }, undefined, false],
    ['a reply that is no object', { 'm.in_reply_to': '$a' }, undefined, false],
    ['no reply', { rel_type: 'm.thread', event_id: '$a' }, undefined, false],
  ])('%s', (_name, value, eventId, falling) => {
    expect(repliedTo(relates(value))).toBe(eventId);
    expect(isFallbackReply(relates(value))).toBe(falling);
  });
});

describe('annotations', () => {
  it.each<[unknown, unknown]>([
    [
      { rel_type: 'm.annotation', event_id: '$a', key: '👍' },
      { eventId: '$a', key: '👍' },
    ],
    [
      { rel_type: 'm.annotation', event_id: '$a', key: '' },
      { eventId: '$a', key: '' },
    ],
    [{ rel_type: 'm.annotation', event_id: '$a' }, undefined],
    [{ rel_type: 'm.annotation', key: '👍' }, undefined],
    [{ rel_type: 'm.reference', event_id: '$a', key: '👍' }, undefined],
  ])('%j', (value, expected) => {
    expect(annotationOf(relates(value))).toEqual(expected);
  });
});

it('throws on no content', () => {
  const name = fc.constantFrom('rel_type', 'event_id', 'key', 'm.in_reply_to', 'is_falling_back');
  const content = fc.oneof(fc.anything(), fc.dictionary(name, fc.anything()).map(relates));
  fc.assert(
    fc.property(content, (content) => {
      const relation = relationOf(content);
      expect(relation === undefined || relation.eventId.startsWith('$')).toBe(true);
      expect(repliedTo(content)?.startsWith('$') ?? true).toBe(true);
      expect(isFallbackReply(content) && relation?.relType !== 'm.thread').toBe(false);
    }),
  );
});
