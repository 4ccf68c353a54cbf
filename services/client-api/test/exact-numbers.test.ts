import type { Owners } from '../src/domain/ports.js';
import { readStateEventText, readStateText } from '../src/domain/room-state.js';

const CONTENT = '{"float":1.0,"huge":9007199254740993}';
const PDU = `{"auth_events":[],"content":${CONTENT},"depth":1,"origin_server_ts":1,"prev_events":[],"room_id":"!a:one.test","sender":"@a:one.test","state_key":"","type":"org.example"}`;
const ASKED = { roomId: '!a:one.test', userId: '@a:one.test', type: 'org.example', stateKey: '' };
const event = { eventNid: 1, eventId: '$1', pduJson: PDU };
const redactedBecause = { ...event, eventNid: 2, eventId: '$2' };

const owners = (more: object = {}) =>
  ({
    roomReads: { getState: async () => ({ events: [{ ...event, ...more }], roomVersion: '5' }) },
  }) as unknown as Owners;

describe('the state of an old room whose numbers are none of JavaScript', () => {
  it('is told with the numbers as they were sent', async () => {
    expect(await readStateText(owners(), ASKED)).toContain(`"content":${CONTENT}`);
    expect(await readStateEventText(owners(), ASKED, 'event')).toContain(`"content":${CONTENT}`);
    expect(await readStateEventText(owners(), ASKED, 'content')).toBe(CONTENT);
  });

  it('has them in what redacted it, too', async () => {
    const text = await readStateText(owners({ pduJson: PDU.replace(CONTENT, '{}'), redactedBecause }), ASKED);
    expect(text).toContain(`"redacted_because":{`);
    expect(text).toContain(`"content":${CONTENT}`);
  });
});
