import { ROOM_VERSIONS } from '@ganglion/protocol';
import { EventGraph } from '../src/domain/graph/event-graph.js';
import { type PlanDependencies, RoomPlan } from '../src/domain/placement/room-plan.js';
import type { GraphRows } from '../src/domain/ports/graph-rows.js';
import type { RoomCommit } from '../src/domain/ports/rooms.js';
import { RoomHead } from '../src/domain/room-head.js';
import { GroupCommitter } from '../src/storage/group-committer.js';
import { audit } from './support/audit.js';
import { ALICE, countOf, createRoom, rulesOf, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

const consecutive = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

describe('what is sent at once', () => {
  it('to many rooms takes consecutive numbers in each', async () => {
    const rooms = await Promise.all(
      Array.from({ length: 30 }, (_, index) => createRoom(replica, { version: ROOM_VERSIONS[index % 12]!.id })),
    );
    const sent = await Promise.all(
      Array.from({ length: 300 }, (_, index) => {
        const stateKey = index % 7 === 0 ? `${index}` : undefined;
        return send(replica, rooms[index % rooms.length]!, ALICE, { stateKey, type: 'm.thing' });
      }),
    );
    expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(300);
    for (const [index, roomId] of rooms.entries()) {
      const answered = sent.filter(({ roomId: other }) => other === roomId).map(({ roomSeq }) => roomSeq);
      expect(answered.sort((a, b) => a - b)).toEqual(consecutive(6, 10));
      const version = ROOM_VERSIONS[index % 12]!.id;
      audit(await storedEvents(replica.db, roomId), rulesOf(version), servers.keys);
    }
  });

  it('to one room is committed together, in the order in which it came', async () => {
    const roomId = await createRoom(replica);
    const statements: string[] = [];
    const query = replica.db.query.bind(replica.db);
    replica.db.query = ((statement: { name?: string }) => {
      statements.push(statement.name ?? '');
      return query(statement as never);
    }) as never;
    const sent = await Promise.all(
      Array.from({ length: 400 }, (_, index) => send(replica, roomId, ALICE, { content: { index } })),
    );
    replica.db.query = query as never;
    expect(sent.map(({ roomSeq }) => roomSeq)).toEqual(consecutive(6, 400));
    expect(statements.filter((name) => name === 'commit-events').length).toBeLessThan(20);
    const events = await storedEvents(replica.db, roomId);
    expect(events.slice(5).map(({ pdu }) => pdu.content.index)).toEqual(consecutive(0, 400));
    audit(events, rulesOf('12'), servers.keys);
  });

  it('and is refused does not hinder the others, and takes no number', async () => {
    const roomId = await createRoom(replica);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, index) => {
        const sender = index % 3 === 0 ? '@stranger:one.test' : ALICE;
        const content = index % 3 === 1 ? { body: 'x'.repeat(70_000) } : { index };
        return send(replica, roomId, sender, { content });
      }),
    );
    const accepted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.roomSeq] : []));
    expect(accepted).toEqual(consecutive(6, 20));
    const errcodes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.errcode] : []));
    expect(errcodes.filter((errcode) => errcode === 'M_FORBIDDEN')).toHaveLength(20);
    expect(errcodes.filter((errcode) => errcode === 'M_TOO_LARGE')).toHaveLength(20);
  });
});

describe('a group commit with an event that the database refuses', () => {
  let nextNid = 900_000;

  async function commitTo(roomId: string, type: string): Promise<RoomCommit> {
    const roomNid = nextNid++;
    const nid = nextNid++;
    await replica.db.query({
      text: `INSERT INTO room_server.rooms (room_nid, room_id, room_version, version) VALUES ($1, $2, '12', 0)`,
      values: [roomNid, roomId],
    });
    const pdu = { type, sender: ALICE, content: {}, depth: 1, origin_server_ts: 1, prev_events: [], auth_events: [] };
    const event = {
      eventId: `$${nid}`,
      roomId,
      pdu: { ...pdu, hashes: { sha256: '' }, signatures: {} },
      rejected: false,
    };
    const head = new RoomHead(roomNid, roomId, rulesOf('12'));
    const plan = new RoomPlan(head, { graph: new EventGraph({} as GraphRows) } as PlanDependencies);
    plan.head.roomSeq = 1;
    plan.add({
      ...{ nid, event, json: JSON.stringify(pdu), status: 'accepted', isKnown: false, roomSeq: 1, keyNid: undefined },
      ...{ prevNids: [], authNids: [], stateBeforeNid: 1, stateAfterNid: 1, visibility: 'shared' },
      ...{ previousVisibility: undefined, stateChanges: [], jump: undefined, localMemberships: [], missing: [] },
      ...{ transaction: undefined, redactsEventId: undefined, redactedNid: undefined, redactedBy: undefined },
      ...{ strippedState: undefined, tracePoint: undefined },
    });
    return plan.commit();
  }

  it('commits all others', async () => {
    const committer = new GroupCommitter(replica.db);
    const types = ['m.one', 'm.poison\0', 'm.two', 'm.three'];
    const commits = await Promise.all(types.map((type) => commitTo(`!${type.length}${nextNid}:one.test`, type)));
    const outcomes = await Promise.allSettled(commits.map((commit) => committer.commit(commit)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    for (const [index, { roomNid }] of commits.entries()) {
      const count = await countOf(replica.db, 'room_server.events WHERE room_nid = $1', [roomNid]);
      expect(count).toBe(index === 1 ? 0 : 1);
    }
  });

  it('tells each room for itself whether it was too late', async () => {
    const committer = new GroupCommitter(replica.db);
    const [one, two] = await Promise.all([commitTo('!early:one.test', 'm.one'), commitTo('!late:one.test', 'm.two')]);
    await replica.db.query({
      text: 'UPDATE room_server.rooms SET version = 7 WHERE room_nid = $1',
      values: [two.roomNid],
    });
    const results = await Promise.all([one, two].map((commit) => committer.commit(commit)));
    expect(results).toEqual([{ kind: 'committed' }, { kind: 'conflict' }]);
    expect(await countOf(replica.db, 'room_server.outbox WHERE room_nid = $1', [two.roomNid])).toBe(0);
  });
});
