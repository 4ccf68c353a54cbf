import { audit } from './support/audit.js';
import { ALICE, BOB, CAROL, change, countOf, createRoom, rulesOf, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

/** Does something on both replicas in turn, all at once. */
function atOnce<T>(times: number, act: (replica: Replica, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: times }, (_, index) => act(replicas[index % 2]!, index)));
}

async function auditRoom(roomId: string) {
  const events = await storedEvents(replicas[0].db, roomId);
  const state = audit(events, rulesOf('12'), servers.keys);
  const { events: current } = await replicas[1].roomReads.getState({ roomId, userId: ALICE });
  expect(current.map(({ eventId }) => eventId).sort()).toEqual([...state.values()].map((e) => e.eventId).sort());
  return events;
}

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: { errcode?: string }) => error.errcode ?? String(error),
  );

describe('two room-servers that write to one room at once', () => {
  it('lose nothing, double nothing, and leave no gap', async () => {
    const roomId = await createRoom(replicas[0]);
    const sent = await atOnce(200, (replica, index) => send(replica, roomId, ALICE, { content: { index } }));
    const events = await auditRoom(roomId);
    expect(events.length).toBe(205);
    expect(sent.map(({ eventId, roomSeq }) => events[roomSeq - 1]?.eventId === eventId)).toEqual(Array(200).fill(true));
    expect(new Set(events.slice(5).map(({ pdu }) => pdu.content.index)).size).toBe(200);
  });

  it('agree on who is in it, whatever happens in between', async () => {
    const roomId = await createRoom(replicas[0]);
    await atOnce(120, (replica, index) => {
      const turn = index % 6;
      if (turn === 0) return outcome(change(replica, roomId, ALICE, 'ban', BOB));
      if (turn === 1) return outcome(change(replica, roomId, ALICE, 'unban', BOB));
      if (turn === 2) return outcome(change(replica, roomId, BOB, 'join'));
      return outcome(send(replica, roomId, turn === 3 ? ALICE : BOB));
    });
    await auditRoom(roomId);
  });

  it('get on with several rooms in different orders', async () => {
    const rooms = await Promise.all(Array.from({ length: 6 }, () => createRoom(replicas[0])));
    await atOnce(180, (replica, index) => {
      const order = index % 2 === 0 ? rooms : rooms.toReversed();
      return send(replica, order[Math.floor(index / 2) % rooms.length]!, ALICE);
    });
    for (const roomId of rooms) expect((await auditRoom(roomId)).length).toBe(35);
  });

  it('change the state of one key one after the other', async () => {
    const roomId = await createRoom(replicas[0]);
    await atOnce(40, (replica, index) =>
      send(replica, roomId, ALICE, { type: 'm.room.topic', stateKey: '', content: { topic: `${index}` } }),
    );
    const events = await auditRoom(roomId);
    expect(events.length).toBe(45);
  });
});

describe('what the other room-server has changed', () => {
  it('lets in who was invited there, although this one remembers otherwise', async () => {
    const roomId = await createRoom(replicas[0], { joinRules: { join_rule: 'invite' } });
    expect(await outcome(change(replicas[0], roomId, BOB, 'join'))).toBe('M_FORBIDDEN');
    await change(replicas[1], roomId, ALICE, 'invite', BOB);
    expect(await outcome(change(replicas[0], roomId, BOB, 'join'))).toBe('done');
    await auditRoom(roomId);
  });

  it('lets nobody speak who was removed there', async () => {
    const roomId = await createRoom(replicas[0]);
    await change(replicas[0], roomId, BOB, 'join');
    await send(replicas[0], roomId, BOB);
    await change(replicas[1], roomId, ALICE, 'ban', BOB);
    expect(await outcome(send(replicas[0], roomId, BOB))).toBe('M_FORBIDDEN');
    await auditRoom(roomId);
  });

  it('is seen by what needs no commit: leaving again, and state that is as asked', async () => {
    const roomId = await createRoom(replicas[0]);
    await change(replicas[0], roomId, BOB, 'join');
    const left = await change(replicas[0], roomId, BOB, 'leave');
    await change(replicas[1], roomId, BOB, 'join');
    const again = await change(replicas[0], roomId, BOB, 'leave');
    expect(again.eventId).not.toBe(left.eventId);
    const topic = (text: string) => ({ type: 'm.room.topic', stateKey: '', content: { topic: text } });
    const one = await send(replicas[0], roomId, ALICE, topic('one'));
    await send(replicas[1], roomId, ALICE, topic('two'));
    const back = await send(replicas[0], roomId, ALICE, topic('one'));
    expect(back.eventId).not.toBe(one.eventId);
    expect((await send(replicas[1], roomId, ALICE, topic('one'))).eventId).toBe(back.eventId);
    await auditRoom(roomId);
  });
});

describe('a transaction', () => {
  it('that comes to both at once, and twice to each, makes one event', async () => {
    for (let round = 0; round < 5; round++) {
      const roomId = await createRoom(replicas[0]);
      const sent = await atOnce(8, (replica) => send(replica, roomId, ALICE, { txnId: 'once' }));
      expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(1);
      expect(new Set(sent.map(({ roomSeq }) => roomSeq))).toEqual(new Set([6]));
      expect((await storedEvents(replicas[0].db, roomId)).length).toBe(6);
    }
  });

  it('is repeated alongside others without failing them', async () => {
    const roomId = await createRoom(replicas[0]);
    const sent = await Promise.all(
      Array.from({ length: 60 }, (_, index) => send(replicas[0], roomId, ALICE, { txnId: `${index % 20}` })),
    );
    expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(20);
    expect((await auditRoom(roomId)).length).toBe(25);
  });

  it('is known after a restart', async () => {
    const roomId = await createRoom(replicas[0]);
    const first = await send(replicas[0], roomId, ALICE, { txnId: 'before' });
    const fresh = await servers.start();
    expect(await send(fresh, roomId, ALICE, { txnId: 'before' })).toEqual(first);
  });

  it('belongs to one user, device, kind of request and room', async () => {
    const roomId = await createRoom(replicas[0]);
    const other = await createRoom(replicas[0]);
    await change(replicas[0], roomId, CAROL, 'join');
    const sent = await Promise.all([
      send(replicas[0], roomId, ALICE, { txnId: 'same' }),
      send(replicas[0], roomId, ALICE, { txnId: 'same', deviceId: 'LAPTOP' }),
      send(replicas[0], roomId, ALICE, { txnId: 'same', type: 'm.reaction' }),
      send(replicas[0], roomId, CAROL, { txnId: 'same' }),
      send(replicas[0], other, ALICE, { txnId: 'same' }),
    ]);
    expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(5);
    expect(await countOf(replicas[0].db, `room_server.transactions WHERE txn_id = 'same'`)).toBe(5);
  });

  it('that was refused may be tried again', async () => {
    const roomId = await createRoom(replicas[0]);
    expect(await outcome(send(replicas[0], roomId, BOB, { txnId: 'again' }))).toBe('M_FORBIDDEN');
    await change(replicas[0], roomId, BOB, 'join');
    expect(await outcome(send(replicas[0], roomId, BOB, { txnId: 'again' }))).toBe('done');
  });
});
