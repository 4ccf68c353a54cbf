import { setTimeout as sleep } from 'node:timers/promises';
import { ANNOUNCEMENTS } from '@ganglion/contracts';
import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

/** Well below the fifteen seconds after which it looks by itself. */
const UNTOLD_MS = 7_000;

interface Row extends Record<string, unknown> {
  readonly event_nid: number;
}

describe.each(BUSES)('the appender, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]);
    roomId = await deployment.rooms.create(alice.userId);
    await expectAppended();
  });

  const message = (body: string): NewEvent => ({ type: 'm.room.message', sender: alice.userId, content: { body } });
  const append = (...bodies: string[]) => deployment.rooms.append(roomId, bodies.map(message));
  const timeline = async () => {
    const text = `SELECT event_nid FROM sync.timeline JOIN sync.rooms USING (room_nid)
      WHERE room_id = $1 ORDER BY timeline.position`;
    return (await deployment.db.query<Row>({ text, values: [roomId] })).rows.map((row) => row.event_nid);
  };
  /** Everything in the room's log is in the read model, once and in its order. */
  const expectAppended = (timeoutMs = 20_000) =>
    eventually(
      async () => expect(await timeline()).toEqual(deployment.rooms.log(roomId).map(({ eventNid }) => eventNid)),
      timeoutMs,
    );

  it('appends what comes twice once', async () => {
    const run = append('One', 'Two');
    for (let time = 0; time < 3; time++) await deployment.rooms.publish(roomId, run);
    await deployment.rooms.publish(roomId, run.slice(1));
    await deployment.rooms.say(roomId, alice.userId, 'Last');
    await expectAppended();
  });

  it('looks into the log when a stream does not bring what was announced', async () => {
    const run = append('One', 'Two');
    deployment.testBus.bus.broadcast(ANNOUNCEMENTS, { id: roomId, seq: run.at(-1)?.roomSeq ?? 0 });
    await expectAppended(UNTOLD_MS);
  });

  it('brings what comes in the wrong order into the order of the room', async () => {
    const runs = [append('One'), append('Two', 'Three'), append('Four')];
    for (const run of runs.toReversed()) await deployment.rooms.publish(roomId, run);
    await expectAppended();
  });

  it('appends runs that overlap', async () => {
    const run = append('One', 'Two', 'Three', 'Four');
    for (const [from, to] of [
      [0, 2],
      [1, 3],
      [0, 4],
      [2, 3],
    ])
      await deployment.rooms.publish(roomId, run.slice(from, to));
    await expectAppended();
  });

  it('fills gaps of any size from the log of the room', async () => {
    append(...Array.from({ length: 450 }, (__, index) => `${index}`));
    await deployment.rooms.say(roomId, alice.userId, 'Last');
    await expectAppended();
  });

  it('fills them also where several come at once', async () => {
    const runs = Array.from({ length: 20 }, (__, index) => append(`${index}`));
    await Promise.all([3, 19, 7, 11].map((index) => deployment.rooms.publish(roomId, runs[index]!)));
    await expectAppended();
  });

  it('leaves out what cannot be read, and goes on', async () => {
    const [broken] = append('Broken');
    Object.assign(broken!, { pduJson: '{"type":' });
    const noContent = append('No content')[0]!;
    Object.assign(noContent, {
      pduJson: JSON.stringify({ type: 'm.room.message', sender: alice.userId, state_key: '' }),
    });
    const [after] = append('After');
    await deployment.rooms.publish(roomId, deployment.rooms.log(roomId).slice(2));
    await eventually(async () => expect(await timeline()).toContain(after!.eventNid));
    const next = await deployment.rooms.say(roomId, alice.userId, 'Next');
    await alice.sees(roomId, next);
    expect(await timeline()).not.toContain(broken!.eventNid);
  });

  it('keeps other rooms going when one room holds what the database refuses', async () => {
    await deployment.rooms.send(roomId, {
      ...{ type: 'm.thing', stateKey: 'a\u0000b', sender: alice.userId, content: { 'c\u0000d': 'e\u0000f' } },
    });
    const other = await deployment.rooms.create(alice.userId);
    await alice.sees(other, await deployment.rooms.say(other, alice.userId, 'Here'));
    const next = await deployment.rooms.say(roomId, alice.userId, 'And here');
    await alice.sees(roomId, next);
  });

  it('starts with what was never told of', async () => {
    append('Lost', 'Lost as well');
    const [first, second] = replicas;
    // Whichever leads, the other one follows.
    await first.stop();
    replicas = [second, await deployment.start()];
    await second.stop();
    replicas = [replicas[1], await deployment.start()];
    await expectAppended();
  }, 60_000);

  it('goes on at another replica when its own cannot reach the database', async () => {
    const writing = new AbortController();
    const written = (async () => {
      for (let index = 0; !writing.signal.aborted; index++) {
        await deployment.rooms.say(roomId, alice.userId, `${index}`);
        await sleep(10);
      }
    })();
    try {
      for (const replica of [...replicas, ...replicas]) {
        replica.trouble.isCutOff = true;
        const before = deployment.rooms.log(roomId).length;
        await eventually(async () => expect((await timeline()).length).toBeGreaterThan(before), 30_000);
        replica.trouble.isCutOff = false;
      }
    } finally {
      for (const { trouble } of replicas) trouble.isCutOff = false;
      writing.abort();
      await written;
    }
    await expectAppended();
  }, 90_000);

  it('survives that its connections are ended again and again', async () => {
    const text =
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    for (let round = 0; round < 10; round++) {
      await Promise.all([
        deployment.rooms.commit(roomId, [message('One'), message('Two')]),
        deployment.db.query({ text }).catch(() => {}),
        deployment.rooms.say(roomId, alice.userId, 'Three'),
      ]);
    }
    await expectAppended();
  }, 60_000);
});
