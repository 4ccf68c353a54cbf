import fc from 'fast-check';
import { canonicalSpaceParent, orderSpaceChildren, parseSpaceChild, parseSpaceParent } from '../../src/index.js';

const VIA = ['example.org'];

function childEvent(state_key: unknown, content: unknown, origin_server_ts: unknown = 1): object {
  return { type: 'm.space.child', state_key, origin_server_ts, content, sender: '@alice:example.org' };
}

describe('the children of a space', () => {
  it('have what their event says', () => {
    const event = childEvent(
      '!a:example.org',
      { via: VIA, order: 'lexicographically', suggested: true },
      1629413349153,
    );
    expect(parseSpaceChild(event)).toEqual({
      roomId: '!a:example.org',
      via: VIA,
      order: 'lexicographically',
      suggested: true,
      originServerTs: 1629413349153,
    });
  });

  it.each<[string, unknown]>([
    ['no via', {}],
    ['an empty via', { via: [] }],
    ['a via that is no list', { via: 'example.org' }],
    ['a via of something else', { via: ['example.org', 7] }],
    ['a via with an empty name', { via: [''] }],
    ['no content', undefined],
    ['a content that is no object', []],
  ])('are none with %s', (_name, content) => {
    expect(parseSpaceChild(childEvent('!a:example.org', content))).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['another type', { ...childEvent('!a', { via: VIA }), type: 'm.space.parent' }],
    ['no state key', { ...childEvent('!a', { via: VIA }), state_key: undefined }],
    ['a state key that is no room id', childEvent('#a:example.org', { via: VIA })],
    ['a state key that is no text', childEvent(7, { via: VIA })],
    ['no time', { ...childEvent('!a', { via: VIA }), origin_server_ts: undefined }],
    ['a time that is no number', childEvent('!a', { via: VIA }, 'now')],
    ['nothing at all', null],
  ])('are none with %s', (_name, event) => {
    expect(parseSpaceChild(event)).toBeUndefined();
  });

  it.each<[unknown, string | undefined]>([
    ['a', 'a'],
    [' ', ' '],
    ['~', '~'],
    ['a'.repeat(50), 'a'.repeat(50)],
    ['a'.repeat(51), undefined],
    ['', undefined],
    ['\x1f', undefined],
    ['\x7f', undefined],
    ['ä', undefined],
    ['a\n', undefined],
    [7, undefined],
    [null, undefined],
  ])('have the order %j as %j', (order, expected) => {
    expect(parseSpaceChild(childEvent('!a', { via: VIA, order }))?.order).toBe(expected);
  });

  it.each([[false], ['true'], [1], [undefined]])('are not suggested by %j', (suggested) => {
    expect(parseSpaceChild(childEvent('!a', { via: VIA, suggested }))?.suggested).toBe(false);
  });
});

describe('the order of children', () => {
  function ordered(...children: [roomId: string, order: string | undefined, ts: number][]): string[] {
    const parsed = children.map(([roomId, order, ts]) => parseSpaceChild(childEvent(roomId, { via: VIA, order }, ts)));
    return orderSpaceChildren(parsed.filter((child) => child !== undefined)).map(({ roomId }) => roomId);
  }

  it('is that of the example in the specification', () => {
    expect(
      ordered(
        ['!e:example.org', undefined, 1640641000000],
        ['!d:example.org', undefined, 1640741000000],
        ['!c:example.org', 'first', 1640841000000],
        ['!a:example.org', 'aaaa', 1640141000000],
        ['!b:example.org', ' ', 1640341000000],
      ),
    ).toEqual(['!b:example.org', '!a:example.org', '!c:example.org', '!e:example.org', '!d:example.org']);
  });

  it.each<[string, Parameters<typeof ordered>, string[]]>([
    [
      'by code point, capitals first',
      [
        ['!a', 'a', 1],
        ['!b', 'B', 1],
      ],
      ['!b', '!a'],
    ],
    [
      'a shorter order first',
      [
        ['!a', 'aa', 1],
        ['!b', 'a', 1],
      ],
      ['!b', '!a'],
    ],
    [
      'by time where the order is the same',
      [
        ['!a', 'x', 2],
        ['!b', 'x', 1],
      ],
      ['!b', '!a'],
    ],
    [
      'by room id where the time is the same too',
      [
        ['!b', 'x', 1],
        ['!a', 'x', 1],
      ],
      ['!a', '!b'],
    ],
    [
      'by time without an order',
      [
        ['!a', undefined, 2],
        ['!b', undefined, 1],
      ],
      ['!b', '!a'],
    ],
    [
      'by room id without an order, of the same time',
      [
        ['!b', undefined, 1],
        ['!a', undefined, 1],
      ],
      ['!a', '!b'],
    ],
    [
      'with an order before those without, whatever the time',
      [
        ['!a', undefined, 1],
        ['!b', '~', 9],
      ],
      ['!b', '!a'],
    ],
    [
      'an invalid order as none',
      [
        ['!a', 'ä', 2],
        ['!b', undefined, 1],
        ['!c', 'z', 3],
      ],
      ['!c', '!b', '!a'],
    ],
  ])('%s', (_name, children, expected) => {
    expect(ordered(...children)).toEqual(expected);
  });

  it('does not depend on the order in which they come', () => {
    const child = fc.record({
      roomId: fc.stringMatching(/^![a-f]{1,3}$/),
      via: fc.constant(VIA),
      suggested: fc.boolean(),
      originServerTs: fc.nat(3),
    });
    const withOrder = fc
      .tuple(child, fc.option(fc.constantFrom('', 'a', 'b'), { nil: undefined }))
      .map(([c, order]) => ({
        ...c,
        ...(order && { order }),
      }));
    const unique = fc.uniqueArray(withOrder, { selector: ({ roomId }) => roomId });
    fc.assert(
      fc.property(unique, (children) => {
        const ids = (list: typeof children) => orderSpaceChildren(list).map(({ roomId }) => roomId);
        expect(ids(children.toReversed())).toEqual(ids(children));
      }),
    );
  });
});

describe('the parents of a room', () => {
  const parentEvent = (state_key: string, content: unknown) => ({
    ...childEvent(state_key, content),
    type: 'm.space.parent',
  });

  it('have what their event says', () => {
    expect(parseSpaceParent(parentEvent('!s', { via: VIA, canonical: true }))).toEqual({
      roomId: '!s',
      via: VIA,
      canonical: true,
    });
    expect(parseSpaceParent(parentEvent('!s', { via: VIA, canonical: 'true' }))?.canonical).toBe(false);
  });

  it('are none without a via, or of another type', () => {
    expect(parseSpaceParent(parentEvent('!s', { canonical: true }))).toBeUndefined();
    expect(parseSpaceParent(childEvent('!s', { via: VIA }))).toBeUndefined();
  });

  it('have as the main one the canonical one with the lowest id', () => {
    const parents = [
      { roomId: '!c', via: VIA, canonical: true },
      { roomId: '!a', via: VIA, canonical: false },
      { roomId: '!b', via: VIA, canonical: true },
    ];
    expect(canonicalSpaceParent(parents)?.roomId).toBe('!b');
    expect(canonicalSpaceParent(parents.slice(1, 2))).toBeUndefined();
    expect(canonicalSpaceParent([])).toBeUndefined();
  });
});

it('throws on no event', () => {
  const name = fc.constantFrom('type', 'state_key', 'content', 'origin_server_ts');
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('m.space.child', '!a:example.org', { via: VIA }));
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.dictionary(name, value)), (event) => {
      expect(parseSpaceParent(event)).toBeUndefined();
      expect(parseSpaceChild(event)?.via ?? VIA).toEqual(VIA);
    }),
  );
});
