import {
  buildEvent,
  createEventIdOf,
  type EventDraft,
  type EventPlace,
  generateSigningKey,
  hashAndSignEvent,
  PduTooLargeError,
  parsePdu,
  ready,
  redactedEventId,
  roomIdOfCreate,
} from '../../src/index.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

const DRAFT: EventDraft = {
  type: 'm.room.message',
  sender: '@alice:example.org',
  content: { body: 'Hello' },
  origin_server_ts: 5,
};
const PLACE: EventPlace = { roomId: '!room:example.org', prev_events: [], auth_events: [], depth: 3 };

describe.each(EVERY_VERSION)('an event that is built for version %s', (_id, rules) => {
  it('says what was drafted, and where', () => {
    expect(buildEvent(DRAFT, PLACE, rules)).toEqual({
      ...DRAFT,
      room_id: '!room:example.org',
      prev_events: [],
      auth_events: [],
      depth: 3,
    });
  });

  it('is a state event with a state key, also an empty one', () => {
    expect(buildEvent({ ...DRAFT, state_key: '' }, PLACE, rules)).toHaveProperty('state_key', '');
    expect(buildEvent({ ...DRAFT, state_key: undefined }, PLACE, rules)).not.toHaveProperty('state_key');
  });

  it('has a type and a state key of at most 255 bytes', () => {
    const build = (fields: Partial<EventDraft>) => () => buildEvent({ ...DRAFT, ...fields }, PLACE, rules);

    expect(build({ type: 'x'.repeat(255), state_key: 'é'.repeat(127) })).not.toThrow();
    expect(build({ type: 'x'.repeat(256) })).toThrow(new PduTooLargeError('type', 'is longer than 255 bytes'));
    expect(build({ state_key: 'é'.repeat(128) })).toThrow(
      new PduTooLargeError('state_key', 'is longer than 255 bytes'),
    );
  });

  it('names what it redacts where the version looks for it', () => {
    const redaction = { ...DRAFT, type: 'm.room.redaction', redacts: '$it' };
    const built = buildEvent(redaction, PLACE, rules);

    expect(redactedEventId({ ...built, hashes: { sha256: '' }, signatures: {} }, rules)).toBe('$it');
    expect([built.redacts, built.content.redacts].filter((id) => id !== undefined)).toEqual(['$it']);
  });

  it('is a good event once it is signed', async () => {
    await ready();
    const place = {
      ...PLACE,
      roomId: rules.roomIdIsCreateHash ? `!${'A'.repeat(43)}` : PLACE.roomId,
      ...(rules.eventIdFormat === 'in-event' && { event_id: '$chosen:example.org' }),
    };
    const { pdu } = hashAndSignEvent(buildEvent(DRAFT, place, rules), rules, 'example.org', generateSigningKey('1'));

    expect(parsePdu(pdu, rules)).toBe(pdu);
  });
});

describe('the m.room.create event', () => {
  const create = { ...DRAFT, type: 'm.room.create', state_key: '' };

  it('names its room up to version 11, and not from version 12 on', () => {
    for (const rules of versions(1, 11)) expect(buildEvent(create, PLACE, rules)).toHaveProperty('room_id');
    expect(buildEvent(create, PLACE, rulesOf('12'))).not.toHaveProperty('room_id');
  });

  it.each([
    ['with a state key', { ...create, state_key: 'x' }],
    ['that is a message', { ...create, state_key: undefined }],
  ])('is none %s', (_title, draft) => {
    expect(buildEvent(draft, PLACE, rulesOf('12'))).toHaveProperty('room_id', PLACE.roomId);
  });

  it('has the id of its room behind another sigil', () => {
    expect(roomIdOfCreate('$hash')).toBe('!hash');
    expect(createEventIdOf('!hash')).toBe('$hash');
  });
});
