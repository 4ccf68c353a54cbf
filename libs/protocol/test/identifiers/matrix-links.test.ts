import fc from 'fast-check';
import {
  formatMatrixTo,
  formatMatrixUri,
  InvalidIdentifierError,
  type MatrixLink,
  parseMatrixTo,
  parseMatrixUri,
} from '../../src/index.js';

/** The examples of https://spec.matrix.org/v1.19/appendices/#uris */
const ALIAS: MatrixLink = { target: '#somewhere:example.org', via: [] };
const ROOM: MatrixLink = { target: '!somewhere:example.org', via: ['elsewhere.ca'] };
const EVENT: MatrixLink = { target: '!somewhere:example.org', eventId: '$event', via: ['elsewhere.ca'] };
const EVENT_OF_OLD: MatrixLink = { ...EVENT, eventId: '$event:example.org' };
const USER: MatrixLink = { target: '@alice:example.org', via: [] };

describe('the examples of matrix: URIs', () => {
  it.each<[string, MatrixLink]>([
    ['matrix:r/somewhere:example.org', ALIAS],
    ['matrix:roomid/somewhere:example.org?via=elsewhere.ca', ROOM],
    ['matrix:roomid/somewhere:example.org/e/event?via=elsewhere.ca', EVENT],
    ['matrix:u/alice:example.org?action=chat', { ...USER, action: 'chat' }],
  ])('%s', (uri, link) => {
    expect(parseMatrixUri(uri)).toEqual(link);
    expect(formatMatrixUri(link)).toBe(uri);
  });
});

describe('the examples of matrix.to links', () => {
  it.each<[string, MatrixLink]>([
    ['https://matrix.to/#/%23somewhere:example.org', ALIAS],
    ['https://matrix.to/#/!somewhere:example.org?via=elsewhere.ca', ROOM],
    ['https://matrix.to/#/!somewhere:example.org/$event:example.org?via=elsewhere.ca', EVENT_OF_OLD],
    ['https://matrix.to/#/@alice:example.org', USER],
  ])('%s', (uri, link) => {
    expect(parseMatrixTo(uri)).toEqual(link);
    expect(formatMatrixTo(link)).toBe(uri);
  });

  it.each<[string, MatrixLink]>([
    ['https://matrix.to/#/%23somewhere%3Aexample.org', ALIAS],
    ['https://matrix.to/#/%21somewhere%3Aexample.org?via=elsewhere.ca', ROOM],
    ['https://matrix.to/#/%21somewhere%3Aexample.org/%24event%3Aexample.org?via=elsewhere.ca', EVENT_OF_OLD],
    ['https://matrix.to/#/%40alice%3Aexample.org', USER],
    ['https://matrix.to/#/#somewhere:example.org', ALIAS],
  ])('is also %s', (uri, link) => {
    expect(parseMatrixTo(uri)).toEqual(link);
  });
});

describe('a matrix: URI', () => {
  it.each<[string, MatrixLink]>([
    ['MATRIX:u/alice:example.org', USER],
    ['matrix:user/alice:example.org', USER],
    ['matrix:room/somewhere:example.org', ALIAS],
    ['matrix:r/somewhere:example.org/event/e', { ...ALIAS, eventId: '$e' }],
    ['matrix://authority/u/alice:example.org', USER],
    ['matrix:u/alice:example.org#fragment', USER],
    ['matrix:u/alice:example.org?action=join', USER],
    ['matrix:u/alice:example.org?action=dance&org.example=1', USER],
    ['matrix:r/somewhere:example.org?action=join', { ...ALIAS, action: 'join' }],
    ['matrix:r/somewhere:example.org?action=chat', ALIAS],
    ['matrix:r/somewhere:example.org?via=a.org&via=not%20one&via=[::1]:80', { ...ALIAS, via: ['a.org', '[::1]:80'] }],
    ['matrix:u/al%2Fice:example.org', { target: '@al/ice:example.org', via: [] }],
  ])('%s is understood', (uri, link) => {
    expect(parseMatrixUri(uri)).toEqual(link);
  });

  it.each([
    '',
    'matrix:',
    'matrix:u',
    'matrix:u/',
    'matrix:u/alice',
    'matrix:x/alice:example.org',
    'matrix:constructor/alice:example.org',
    'matrix:u/alice:example.org/e/event',
    'matrix:r/somewhere:example.org/e',
    'matrix:r/somewhere:example.org/e/',
    'matrix:r/somewhere:example.org/x/event',
    'matrix:r/somewhere:example.org/e/event/more',
    'matrix:r/some%where:example.org',
    'matrix:r/%ff:example.org',
    'https://matrix.to/#/@alice:example.org',
  ])('is not %j', (uri) => {
    expect(() => parseMatrixUri(uri)).toThrow(InvalidIdentifierError);
  });
});

describe('a matrix.to link', () => {
  const V3_EVENT = '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk';

  it('encodes slashes of event ids, and understands them bare', () => {
    const link = { target: '!room:example.org', eventId: V3_EVENT, via: [] };

    expect(formatMatrixTo(link)).toContain('oO%2FmYU');
    expect(parseMatrixTo(formatMatrixTo(link))).toEqual(link);
    expect(parseMatrixTo(`https://matrix.to/#/!room:example.org/${V3_EVENT}`)).toEqual(link);
  });

  it('has bare slashes in user ids, and may end with one', () => {
    expect(parseMatrixTo('https://matrix.to/#/@al/ice:example.org')).toEqual({
      target: '@al/ice:example.org',
      via: [],
    });
    expect(parseMatrixTo('https://matrix.to/#/!room:example.org/')).toEqual({ target: '!room:example.org', via: [] });
  });

  it('keeps question marks in its query', () => {
    expect(parseMatrixTo('https://matrix.to/#/@alice:example.org?x=?&via=a.org').via).toEqual(['a.org']);
  });

  it.each([
    '',
    'https://matrix.to/',
    'https://matrix.to/#/',
    'http://matrix.to/#/@alice:example.org',
    'https://matrix.to/#/alice:example.org',
    'https://matrix.to/#/%2Bexample%3Aexample.org',
    'https://matrix.to/#/!room:example.org/event',
    'https://matrix.to/#/!room:example.org/$',
    'https://matrix.to/#/!room%:example.org',
    'https://matrix.to/#/!room:example.org/%ff',
  ])('is not %j', (link) => {
    expect(() => parseMatrixTo(link)).toThrow(InvalidIdentifierError);
  });
});

describe('links of either kind', () => {
  const localpart = fc.string({ unit: 'binary' }).map((part) => part.replaceAll(/[:\0]/g, ''));
  const link = fc
    .record({
      sigil: fc.constantFrom('@', '!', '#'),
      localpart: localpart.filter((part) => part.length < 50),
      event: fc.option(
        localpart.filter((part) => part !== '' && part.length < 50),
        { nil: undefined },
      ),
      via: fc.array(fc.constantFrom('a.org', '[::1]:80', '1.2.3.4:5')),
    })
    .map(
      ({ sigil, localpart: part, event, via }): MatrixLink => ({
        target: `${sigil}${part}:example.org`,
        ...(event !== undefined && sigil !== '@' && { eventId: `$${event}` }),
        via,
      }),
    );

  it('read back as they were written', () => {
    fc.assert(
      fc.property(link, (given) => {
        expect(parseMatrixTo(formatMatrixTo(given))).toEqual(given);
        expect(parseMatrixUri(formatMatrixUri(given))).toEqual(given);
      }),
    );
  });

  it.each(['alice:example.org', '', '$event', '@alice'])('point nowhere with %j', (target) => {
    expect(() => formatMatrixTo({ target, via: [] })).toThrow(InvalidIdentifierError);
    expect(() => formatMatrixUri({ target, via: [] })).toThrow(InvalidIdentifierError);
  });

  it('have no events of users', () => {
    expect(() => formatMatrixTo({ ...USER, eventId: '$event' })).toThrow(InvalidIdentifierError);
    expect(() => formatMatrixUri({ ...USER, eventId: '$event' })).toThrow(InvalidIdentifierError);
  });
});
