import { compileEventFields, roomVersionRules } from '@ganglion/protocol';
import { readEvent } from '../src/domain/event-text.js';
import { rawEvents } from '../src/domain/history/raw-events.js';
import { type EventPlace, eventText } from '../src/domain/timeline-event.js';

const ROOM = { nid: 1, roomId: '!a:one.test', roomVersion: '5' };
const CONTENT = '{"body":"x","float":1.0,"huge":9007199254740993,"list":[-0,1e3]}';
const PDU = `{"auth_events":[],"content":${CONTENT},"depth":9223372036854775807,"hashes":{"sha256":"x"},"origin_server_ts":1,"prev_events":[],"room_id":"!a:one.test","sender":"@a:one.test","signatures":{},"type":"m.room.message","unsigned":{"age":1}}`;
const EVENT = { eventNid: 1, eventId: '$1', pduJson: PDU };
const { text } = readEvent(EVENT, ROOM.roomId, roomVersionRules('5')!);
const shown = { text, place: undefined, replaced: undefined, redaction: undefined };
const viewer = { userId: '@b:one.test', deviceId: 'PHONE', now: 1 };

describe('an event of an old room whose numbers are none of JavaScript', () => {
  it('comes to clients with the numbers as they were sent', () => {
    expect(eventText(shown, viewer)).toContain(`"content":${CONTENT}`);
  });

  it('comes with them where a filter wants few fields of it', () => {
    const fields = compileEventFields(['content.float', 'content.huge']);
    expect(eventText(shown, { ...viewer, fields })).toBe('{"content":{"float":1.0,"huge":9007199254740993}}');
  });

  it('comes in the format of servers as servers have it', async () => {
    const log = { getEvents: async () => ({ events: [EVENT] }) };
    const raw = (await rawEvents(log, ROOM, [shown])).get('$1')!;
    expect(raw).toContain(`"content":${CONTENT},"depth":9223372036854775807`);
    expect(raw).toContain('"event_id":"$1"');
    expect(raw).not.toContain('unsigned');
  });

  it('has those that are left when it is redacted for who was not there', () => {
    const levels = PDU.replace('m.room.message', 'm.room.power_levels').replace('"body":"x"', '"ban":50.0,"x":1.5');
    const of = readEvent({ ...EVENT, pduJson: levels }, ROOM.roomId, roomVersionRules('5')!).text;
    const erased = {
      users: new Set(['@a:one.test']),
      rules: roomVersionRules('5')!,
      wasThere: (_: EventPlace) => false,
    };
    expect(eventText({ ...shown, text: of }, { ...viewer, erased })).toContain('"content":{"ban":50.0}');
  });
});
