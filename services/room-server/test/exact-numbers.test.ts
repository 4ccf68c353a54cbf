import {
  canonicalJsonString,
  eventIdOf,
  type Pdu,
  parseJson,
  ready,
  referenceHash,
  roomVersionRules,
  type UnsignedEvent,
} from '@ganglion/protocol';
import { enter, FAR, FarRoom, REMOTE, receive, signedByFar } from './support/far-room.js';
import { ALICE, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

const NUMBERS = '{"float":1.0,"huge":9007199254740993}';

/** An event of the other server with numbers that JavaScript has not. */
function unusual(room: FarRoom, prev: string, authIds: readonly string[], id: string) {
  const rules = roomVersionRules(room.version)!;
  const isOld = rules.eventIdFormat === 'in-event';
  const refer = (eventId: string) => (isOld ? [eventId, { sha256: hashOf(room, eventId) }] : eventId);
  const event = {
    ...(isOld && { event_id: `$${id}:${FAR}` }),
    ...{ type: 'm.room.message', sender: REMOTE, room_id: room.roomId, content: {}, depth: 12, origin_server_ts: 1 },
    ...{ prev_events: [refer(prev)], auth_events: authIds.map(refer) },
  };
  const text = JSON.stringify(event)
    .replace('"content":{}', `"content":${NUMBERS}`)
    .replace('"depth":12', '"depth":9223372036854775807');
  const { eventId, pdu } = signedByFar(parseJson(text) as unknown as UnsignedEvent, room.version);
  return { eventId, json: canonicalJsonString(pdu as never, { strict: false }) };
}

const hashOf = (room: FarRoom, eventId: string) => {
  const { pdu } = room.writer.events.find((event) => event.eventId === eventId)!;
  return referenceHash(pdu, roomVersionRules(room.version)!);
};

/** What authorises what the other server's user says. */
const authOf = ({ writer }: FarRoom) =>
  writer.events
    .filter(({ pdu }) => ['m.room.create', 'm.room.power_levels'].includes(pdu.type) || pdu.state_key === REMOTE)
    .map(({ eventId }) => eventId);

const servedTo = async (replica: Replica, roomId: string, eventId: string) => {
  const asked = { serverName: FAR, roomId, eventIds: [eventId] };
  return (await replica.roomFederation.getEventsForServer(asked)).events[0]!.pduJson;
};

describe('an event of an old room whose numbers are none of JavaScript', () => {
  it('is served as the very event, whole and redacted', async () => {
    const room = new FarRoom(servers.keys, '5');
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const said = unusual(room, join.eventId, authOf(room), 'said');
    expect(await receive(replicas[0], room, [said.json])).toMatchObject({ outcomes: [{ eventId: said.eventId }] });
    expect(await servedTo(replicas[1], room.roomId, said.eventId)).toBe(said.json);
    const redaction = room.writer.write(
      {
        ...{ type: 'm.room.redaction', sender: REMOTE, redacts: said.eventId, content: {}, origin_server_ts: 2 },
      },
      [join.eventId],
    );
    await receive(replicas[1], room, [redaction.json]);
    const redacted = await servedTo(replicas[0], room.roomId, said.eventId);
    expect(JSON.parse(redacted).content).toEqual({});
    expect(redacted).toContain('"depth":9223372036854775807');
    expect(eventIdOf(parseJson(redacted) as unknown as Pdu, roomVersionRules('5')!)).toBe(said.eventId);
  });

  it('is referred to by its hash by what we say after it, though it had to wait', async () => {
    const room = new FarRoom(servers.keys, '1');
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const missing = room.message('missing');
    const said = unusual(room, missing.eventId, authOf(room), 'waiting');
    await receive(replicas[0], room, [said.json]);
    await receive(replicas[1], room, [missing.json]);
    expect(await servedTo(replicas[0], room.roomId, said.eventId)).toBe(said.json);
    const { eventId } = await send(replicas[1], room.roomId, ALICE);
    const hash = referenceHash(parseJson(said.json) as unknown as Pdu, roomVersionRules('1')!);
    const ours = JSON.parse(await servedTo(replicas[0], room.roomId, eventId));
    expect(ours.prev_events).toEqual([[said.eventId, { sha256: hash }]]);
  });
});
