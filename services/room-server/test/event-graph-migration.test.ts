import type { Subscription } from '@ganglion/bus';
import { ROOM_EVENTS } from '@ganglion/contracts';
import { type LoggedEvent, PduFate, type RoomEvents } from '@ganglion/contracts/room';
import { type Database, migrate } from '@ganglion/database';
import {
  parseHistoryVisibility,
  ROOM_VERSIONS,
  redactedEventId,
  type StateTuple,
  stateTuple,
} from '@ganglion/protocol';
import { eventually } from '@ganglion/testing';
import { audit } from './support/audit.js';
import { linearRoom } from './support/linear-room.js';
import { headOf, idsIn, keptEvents, StatesRead } from './support/received-room.js';
import { ALICE, BOB, CAROL, change, countOf, rulesOf, send, stepsBack, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';
import { type OldRoom, type OldTransaction, VERSION_TWO, VersionTwoWriter } from './support/version-two.js';

const VERSIONS = ROOM_VERSIONS.map(({ id }) => id);
/** Of one room there is so much that its states have strides of every size, in several runs. */
const lengthOf = (version: string) => (version === '12' ? 900 : 120);
const UNPUBLISHED = 3;
const DEVICE = 'PHONE';
const SLOW_MS = 120_000;
const TYPE = 'm.room.message';

let servers: RoomServers;
let replicas: [Replica, Replica];
const rooms = new Map<string, OldRoom>();
const received: RoomEvents[] = [];
let subscription: Subscription;

beforeAll(async () => {
  servers = await RoomServers.create();
  const db = await servers.connect();
  await migrate(db, VERSION_TWO);
  await fill(db);
  await db.close();
  subscription = await servers.testBus.bus.consume(
    {
      ...{ stream: ROOM_EVENTS, durable: 'test', maxBatch: 100, maxAttempts: 5, backoffMs: [100] },
      key: ({ roomId }: RoomEvents) => roomId,
    },
    async (batch) => {
      received.push(...batch.map(({ message }) => message));
    },
  );
  replicas = [await servers.start(), await servers.start()];
}, SLOW_MS);

afterAll(async () => {
  await subscription?.stop();
  await servers.close();
});

/** One room of each version, as programs of version 2 of the schema wrote them. */
async function fill(db: Database): Promise<void> {
  const writer = new VersionTwoWriter(db);
  for (const [seed, version] of VERSIONS.entries()) {
    const room = linearRoom({ seed, version, keys: servers.keys, length: lengthOf(version) });
    const messages = room.events.filter(({ pdu }) => pdu.type === TYPE);
    const old: OldRoom = {
      ...room,
      transactions: new Map(messages.map(({ eventId, pdu }, index) => [eventId, sentAs(pdu.sender, index)])),
      ...{ alias: `#room-${version}:one.test`, published: true, unpublished: UNPUBLISHED },
    };
    await writer.write(old);
    rooms.set(version, old);
  }
}

/** Some of them longer ago than they are remembered. */
function sentAs(userId: string, index: number): OldTransaction {
  return { userId, deviceId: DEVICE, scope: TYPE, txnId: `${index}`, daysAgo: [0, 1, 3][index % 3]! };
}

async function logOf(roomId: string): Promise<LoggedEvent[]> {
  const log: LoggedEvent[] = [];
  for (let more = true; more; ) {
    const page = await replicas[0].roomLog.getRoomEvents({
      roomId,
      afterSeq: log.length,
      limit: 100,
      backfilled: false,
    });
    log.push(...(page.events?.events ?? []));
    more = page.more;
  }
  return log;
}

/** What a client of the log is to be told of each event. */
function expectedLog(room: OldRoom, nids: ReadonlyMap<string, number>, keys: ReadonlyMap<StateTuple, number>) {
  const rules = rulesOf(room.version);
  const redacted = new Set<string>();
  let visibility = 'shared';
  return room.events.map(({ eventId, pdu, json }, index) => {
    const { type, state_key: stateKey, content } = pdu;
    const before = visibility;
    if (type === 'm.room.history_visibility') visibility = parseHistoryVisibility(content);
    const target = redactedEventId(pdu, rules);
    const isFirst = target !== undefined && !redacted.has(target);
    if (target !== undefined) redacted.add(target);
    const membership = type === 'm.room.member' ? content.membership : undefined;
    const eventNid = nids.get(eventId);
    const change = { type, stateKey, eventId, eventNid, membership };
    const { daysAgo = 3, ...transaction } = room.transactions.get(eventId) ?? {};
    return {
      ...{ roomSeq: index + 1, eventId, eventNid, pduJson: json },
      stateChanges: stateKey === undefined ? [] : [{ ...change, keyNid: keys.get(stateTuple(type, stateKey)) }],
      ...{ hasMoreStateChanges: false, transaction: daysAgo < 3 ? transaction : undefined },
      ...{ redactedEventId: target, redactedEventNid: isFirst ? nids.get(target) : undefined },
      ...{ redactedBecause: undefined, strippedStateJson: undefined, memberships: [] },
      ...{ visibility, previousVisibility: before === visibility ? undefined : before },
    };
  });
}

async function keysOf(roomNid: number): Promise<Map<StateTuple, number>> {
  const { rows } = await replicas[0].db.query<{ type: string; state_key: string; key_nid: number }>({
    text: 'SELECT type, state_key, key_nid FROM room_server.state_entries WHERE room_nid = $1',
    values: [roomNid],
  });
  return new Map(rows.map(({ type, state_key, key_nid }) => [stateTuple(type, state_key), key_nid]));
}

describe.each(VERSIONS)('a room of version %s from before rooms were graphs', (version) => {
  const roomOf = () => rooms.get(version)!;
  const idOf = () => roomOf().writer.roomId;

  it(
    'has the states before and after every event that it had',
    async () => {
      const { db } = replicas[0];
      const kept = await keptEvents(db, idOf());
      const states = new StatesRead(db, (await headOf(db, idOf())).nid, kept);
      const byId = new Map(kept.map((event) => [event.eventId, event]));
      let previous: number | null = null;
      for (const { eventId, stateAfter } of roomOf().events) {
        const { before, after } = byId.get(eventId)!;
        expect([eventId, before]).toEqual([eventId, previous]);
        expect([eventId, await states.idsOf(after)]).toEqual([eventId, idsIn(stateAfter)]);
        previous = after;
      }
    },
    SLOW_MS,
  );

  it('has its states in strides, as if it had never been another way', async () => {
    const { steps, states } = await stepsBack(replicas[0].db, idOf());
    expect(states).toBe(roomOf().events.filter(({ pdu }) => pdu.state_key !== undefined).length);
    expect(steps).toBeLessThanOrEqual(1 + 7 * Math.ceil(Math.log2(states) / 3));
  });

  it('has the current state, the members and the counts of each server that it had', async () => {
    const { db } = replicas[0];
    const { events } = roomOf();
    const last = events.at(-1)!;
    const head = await headOf(db, idOf());
    expect(head).toMatchObject({ seq: events.length, entries: idsIn(last.stateAfter), extremities: [last.eventId] });
    const members = [...last.stateAfter.values()].flatMap((id) => {
      const { type, state_key, content } = roomOf().writer.event(id)!.pdu;
      return type === 'm.room.member' ? [{ user: state_key!, membership: content.membership }] : [];
    });
    const joined = members.filter(({ membership }) => membership === 'join').map(({ user }) => user);
    const { rows } = await db.query<{ server_name: string; joined: number }>({
      text: 'SELECT server_name, joined FROM room_server.room_hosts WHERE room_nid = $1 AND joined > 0',
      values: [head.nid],
    });
    const counts = Map.groupBy(joined, (user) => user.slice(user.indexOf(':') + 1));
    expect(new Map(rows.map((row) => [row.server_name, row.joined]))).toEqual(
      new Map([...counts].map(([server, users]) => [server, users.length])),
    );
    for (const { user, membership } of members) {
      const { rooms: found } = await replicas[0].roomReads.listMemberships({
        userId: user,
        memberships: [`${membership}`],
      });
      expect(found).toContainEqual({ roomId: idOf(), membership });
    }
  });

  it('tells in its log of every event what it told, with whose request it was and who may see it', async () => {
    const { db } = replicas[0];
    const nids = new Map((await keptEvents(db, idOf())).map(({ eventId, nid }) => [eventId, nid]));
    const keys = await keysOf((await headOf(db, idOf())).nid);
    expect(new Set(keys.values()).size).toBe(keys.size);
    expect(await logOf(idOf())).toEqual(expectedLog(roomOf(), nids, keys));
  });

  it('shows what was redacted as redacted, and by what', async () => {
    const { events } = roomOf();
    const rules = rulesOf(version);
    const redactions = events.filter(({ pdu }) => redactedEventId(pdu, rules) !== undefined);
    const first = new Map(redactions.toReversed().map(({ eventId, pdu }) => [redactedEventId(pdu, rules)!, eventId]));
    expect(first.size).toBeGreaterThan(0);
    for (let start = 0; start < events.length; start += 100) {
      const eventIds = events.slice(start, start + 100).map(({ eventId }) => eventId);
      const { events: shown } = await replicas[0].roomLog.getEvents({
        roomId: idOf(),
        eventIds,
        eventNids: [],
        roomNids: [],
      });
      const because = new Map(shown.map(({ eventId, redactedBecause }) => [eventId, redactedBecause?.eventId]));
      expect(because).toEqual(new Map(eventIds.map((eventId) => [eventId, first.get(eventId)])));
    }
  });

  it('hands out what nobody had handed out yet, and forgets it then', async () => {
    replicas[0].start();
    const { length } = roomOf().events;
    const isOurs = ({ roomId }: RoomEvents) => roomId === idOf();
    await eventually(() => {
      const seqs = received.filter(isOurs).flatMap(({ events }) => events.map(({ roomSeq }) => roomSeq));
      expect(seqs.slice(0, UNPUBLISHED)).toEqual([length - 2, length - 1, length]);
    });
    const left = 'room_server.outbox JOIN room_server.rooms USING (room_nid) WHERE room_id = $1';
    await eventually(async () => expect(await countOf(replicas[0].db, left, [idOf()])).toBe(0));
  });

  it('is found by its alias and in the directory', async () => {
    const directory = replicas[0].roomDirectory;
    expect(await directory.resolveAlias({ alias: `#room-${version}:one.test` })).toMatchObject({ roomId: idOf() });
    expect(await directory.getVisibility({ roomId: idOf() })).toEqual({ published: true });
  });

  it('answers a request that was answered before with the same event, unless that is long ago', async () => {
    for (const [eventId, { userId, txnId, daysAgo }] of roomOf().transactions) {
      if (daysAgo === 3) continue;
      expect((await send(replicas[0], idOf(), userId, { txnId })).eventId).toBe(eventId);
    }
    expect((await headOf(replicas[0].db, idOf())).seq).toBe(roomOf().events.length);
  });

  it(
    'goes on at every replica, with events that other servers accept and states that are right',
    async () => {
      for (const user of [BOB, CAROL]) {
        await change(replicas[0], idOf(), ALICE, 'ban', user);
        await change(replicas[1], idOf(), ALICE, 'unban', user);
      }
      await Promise.all(
        replicas.map(async (replica, lane) => {
          for (let index = 0; index < 40; index++) {
            await send(replica, idOf(), ALICE, {
              type: 'org.example.note',
              stateKey: `${(7 * index) % 12}`,
              content: { lane, index },
            });
            if (index % 5 === 0) await send(replica, idOf(), ALICE, { txnId: `${lane} ${index}` });
          }
        }),
      );
      const { db } = replicas[0];
      const stored = await storedEvents(db, idOf());
      expect(stored.length).toBeGreaterThan(roomOf().events.length + 80);
      const current = audit(stored, rulesOf(version), servers.keys);
      const head = await headOf(db, idOf());
      expect(head.entries).toEqual([...current.values()].map(({ eventId }) => eventId).sort());
      const kept = new Map((await keptEvents(db, idOf())).map((event) => [event.eventId, event]));
      const states = new StatesRead(db, head.nid, [...kept.values()]);
      const state = new Map<StateTuple, string>();
      for (const { seq, eventId, pdu } of stored) {
        if (pdu.state_key !== undefined) state.set(stateTuple(pdu.type, pdu.state_key), eventId);
        if (seq <= roomOf().events.length) continue;
        expect([eventId, await states.idsOf(kept.get(eventId)!.after)]).toEqual([eventId, idsIn(state)]);
      }
    },
    SLOW_MS,
  );

  it('takes events that follow on what was long ago, with the states that the rules give', async () => {
    const { events, writer } = roomOf();
    const origin_server_ts = 1_800_000_000_000;
    const own = { sender: ALICE, origin_server_ts };
    const topic = { ...own, type: 'm.room.topic', state_key: '', content: { topic: 'as of then' } };
    const ban = { ...own, type: 'm.room.member', state_key: CAROL, content: { membership: 'ban' } };
    const message = { ...own, type: TYPE, content: { msgtype: 'm.text', body: 'both' } };
    const [old, last] = [events[Math.floor(0.7 * events.length)]!, events.at(-1)!];
    const first = writer.write(topic, [old.eventId]);
    const second = writer.write(ban, [first.eventId]);
    const third = writer.write(message, [second.eventId, last.eventId]);
    const forked = [first, second, third];
    const pdusJson = forked.map(({ json }) => json);
    const { outcomes } = await replicas[1].roomIntake.receivePdus({ roomId: idOf(), pdusJson, backfill: false });
    expect(outcomes.map(({ fate }) => fate)).not.toContain(PduFate.WAITING);
    const { db } = replicas[1];
    const kept = await keptEvents(db, idOf());
    const states = new StatesRead(db, (await headOf(db, idOf())).nid, kept);
    for (const { eventId, stateBefore, stateAfter, rejected } of forked) {
      const { before, after, status } = kept.find((event) => event.eventId === eventId)!;
      expect([eventId, status === 'rejected']).toEqual([eventId, rejected]);
      expect([eventId, await states.idsOf(before)]).toEqual([eventId, idsIn(stateBefore)]);
      expect([eventId, await states.idsOf(after)]).toEqual([eventId, idsIn(stateAfter)]);
    }
  });
});
