import type { Database, Statement } from '@ganglion/database';
import { eventually } from '@ganglion/testing';
import { audit } from './support/audit.js';
import { ALICE, BOB, change, createRoom, rulesOf, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let witness: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  witness = await servers.start();
});
afterAll(() => servers.close());

const LOST = new Error('Connection terminated unexpectedly');

/** Holds a room's row until told to let go, as a commit of another process would. */
async function holdRoom(roomId: string): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const holding = witness.db.transaction(async (tx) => {
    await tx.query({ text: 'SELECT FROM room_server.rooms WHERE room_id = $1 FOR UPDATE', values: [roomId] });
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  return async () => {
    letGo.resolve();
    await holding;
  };
}

/** Ends the connection of a replica that waits for a lock. */
async function terminateWaiting(applicationName: string): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await witness.db.query({
      text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = $1 AND wait_event_type = 'Lock'`,
      values: [applicationName],
    });
    expect(rowCount).toBeGreaterThan(0);
  });
}

/** Lets a test decide what becomes of the next commit statement. */
function interceptCommit(db: Database, intercept: (run: () => Promise<unknown>) => Promise<never>): void {
  const query = db.query.bind(db);
  db.query = ((statement: Statement) => {
    if (statement.name !== 'commit-events') return query(statement);
    db.query = query as never;
    return intercept(() => query(statement));
  }) as never;
}

async function auditRoom(roomId: string) {
  const events = await storedEvents(witness.db, roomId);
  audit(events, rulesOf('12'), servers.keys);
  return events;
}

describe('a commit whose connection breaks', () => {
  it('before it was done is an error, and nothing is there; trying again makes it once', async () => {
    const victim = await servers.start({ applicationName: 'victim' });
    const roomId = await createRoom(witness);
    await send(victim, roomId, ALICE, { txnId: 'before' });
    const letGo = await holdRoom(roomId);
    const outcomes = Promise.allSettled(
      ['a', 'b', 'c'].map((txnId) => send(victim, roomId, ALICE, { txnId, content: { txnId } })),
    );
    await terminateWaiting('victim');
    await letGo();
    const answers = await outcomes;
    expect(answers[0]?.status).toBe('rejected');
    const seqs = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.roomSeq : undefined));
    const stored = await auditRoom(roomId);
    const there = ['a', 'b', 'c'].map((txnId) => stored.find(({ pdu }) => pdu.content.txnId === txnId)?.seq);
    expect(there).toEqual(seqs);
    await Promise.all(['a', 'b', 'c'].map((txnId) => send(victim, roomId, ALICE, { txnId, content: { txnId } })));
    const bodies = (await auditRoom(roomId)).slice(6).map(({ pdu }) => pdu.content.txnId);
    expect(bodies.sort()).toEqual(['a', 'b', 'c']);
  });

  it('after it was done is a success', async () => {
    const victim = await servers.start();
    const roomId = await createRoom(witness);
    interceptCommit(victim.db, async (run) => {
      await run();
      throw LOST;
    });
    const sent = await send(victim, roomId, ALICE);
    expect((await auditRoom(roomId)).at(-1)).toMatchObject({ eventId: sent.eventId, seq: sent.roomSeq });
    expect((await send(victim, roomId, ALICE)).roomSeq).toBe(sent.roomSeq + 1);
  });

  it('and which is done all the same, later, makes one event of all attempts', async () => {
    for (let round = 0; round < 5; round++) {
      const victim = await servers.start();
      const roomId = await createRoom(witness);
      const late = Promise.withResolvers<() => Promise<unknown>>();
      interceptCommit(victim.db, async (run) => {
        late.resolve(run);
        throw LOST;
      });
      await expect(send(victim, roomId, ALICE, { txnId: 'once' })).rejects.toThrow(LOST);
      const run = await late.promise;
      const [again] = await Promise.all([send(victim, roomId, ALICE, { txnId: 'once' }), run()]);
      const events = await auditRoom(roomId);
      expect(events.length).toBe(6);
      expect(events.at(-1)?.eventId).toBe(again.eventId);
    }
  });

  it('does not harm the other rooms that were to be committed with it, beyond having to try again', async () => {
    const victim = await servers.start();
    const rooms = await Promise.all(Array.from({ length: 5 }, () => createRoom(witness)));
    interceptCommit(victim.db, async () => {
      throw LOST;
    });
    const outcomes = await Promise.allSettled(rooms.map((roomId) => send(victim, roomId, ALICE, { txnId: 'x' })));
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
    await Promise.all(rooms.map((roomId) => send(victim, roomId, ALICE, { txnId: 'x' })));
    for (const roomId of rooms) expect((await auditRoom(roomId)).length).toBe(6);
  });
});

it('a database that is away while a refusal is checked leaves no wrong refusal', async () => {
  const victim = await servers.start();
  const roomId = await createRoom(witness, { joinRules: { join_rule: 'invite' } });
  await expect(change(victim, roomId, BOB, 'join')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  await change(witness, roomId, ALICE, 'invite', BOB);
  const query = victim.db.query.bind(victim.db);
  victim.db.query = (() => Promise.reject(LOST)) as never;
  await expect(change(victim, roomId, BOB, 'join')).rejects.toThrow(LOST);
  victim.db.query = query as never;
  await change(victim, roomId, BOB, 'join');
});
