import { setTimeout as sleep } from 'node:timers/promises';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  alice = await Person.register(replica.url);
  roomId = await alice.createRoom({ preset: 'public_chat' });
});
afterAll(() => homeserver.close());

const at = (ts: number, dir: 'f' | 'b', person = alice) =>
  person.get(`/_matrix/client/v1/${inRoom(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`);

it('the event closest to a time is found, from either side, among many', async () => {
  const events: { id: string; ts: number }[] = [];
  for (let index = 0; index < 40; index++) {
    const id = await alice.say(roomId, `number ${index}`);
    const { origin_server_ts: ts } = await alice.must('GET', `${inRoom(roomId)}/event/${encodeURIComponent(id)}`);
    events.push({ id, ts });
    // Of two events of one time either would be right.
    while (Date.now() <= ts) await sleep(1);
  }
  for (const { id, ts } of [events[0]!, events[7]!, events[23]!, events[39]!]) {
    for (const dir of ['f', 'b'] as const) {
      expect((await at(ts, dir)).body).toEqual({ event_id: id, origin_server_ts: ts });
    }
  }
  const [before, after] = [events[10]!, events[11]!];
  expect((await at(before.ts + 1, 'f')).body.event_id).toBe(after.id);
  expect((await at(after.ts - 1, 'b')).body.event_id).toBe(before.id);
  const { status, body } = await at(events.at(-1)!.ts + 1, 'f');
  expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
  expect((await at(1, 'b')).status).toBe(404);
});

it('who may not look into the room finds nothing', async () => {
  const bob = await Person.register(replica.url);
  const { status, body } = await at(0, 'f', bob);
  expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
});

it.each(['ts=x&dir=f', 'ts=1', 'dir=b', 'ts=-1&dir=f', 'ts=1&dir=up'])('refuses %s', async (query) => {
  const { status } = await alice.get(`/_matrix/client/v1/${inRoom(roomId)}/timestamp_to_event?${query}`);
  expect(status).toBe(400);
});
