import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import type { Bus, ResetReason } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { range, reader, until } from '../support.js';
import { Owner, Timeline } from './owner.js';

const ROOMS = range(1, 20).map((n) => `!room${n}:x`);
const TIMEOUT_MS = 180_000;

/** A service with two replicas that read one durable, and an owner that publishes, while the server is broken. */
describe('while messages flow', () => {
  let server: NatsServer;
  let buses: Bus[];
  let owner: Owner;
  let timeline: Timeline;
  let resets: ResetReason[][];

  beforeEach(async () => {
    server = await startNatsServer();
    buses = await Promise.all(range(1, 3).map(() => connectJetStreamBus({ servers: [server.url] })));
    owner = new Owner(buses[0] as Bus, ROOMS);
    timeline = new Timeline(owner);
    resets = buses.map((bus) => {
      const reasons: ResetReason[] = [];
      bus.onReset((reason) => reasons.push(reason));
      return reasons;
    });
    for (const bus of buses.slice(1)) {
      await bus.consume(reader({ durable: 'appender', maxBatch: 20 }), timeline.handler);
      bus.onReset(() => timeline.catchUp());
    }
  }, TIMEOUT_MS);

  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await server.close();
  });

  /** Lets events flow, breaks the server in the midst of them, and waits until it is known to have been mended. */
  async function flowAround(breakServer: () => Promise<void>): Promise<void> {
    let broken = false;
    const breaking = (async () => {
      const heard = () => [...timeline.heard.values()].reduce((sum, seqs) => sum + seqs.length, 0);
      const before = heard();
      await until('events are heard', () => heard() > before + 3 * ROOMS.length);
      await breakServer();
      broken = true;
    })();
    while (!broken) await owner.turn();
    await breaking;
    for (let more = 0; more < 20; more++) await owner.turn();
  }

  function expectEverythingOnceInOrder(): void {
    for (const room of ROOMS) expect(timeline.applied.get(room)).toEqual(range(1, owner.last(room)));
  }

  it(
    'a server that is killed and restarted costs nothing: not a message, not the order',
    async () => {
      for (let round = 1; round <= 4; round++) {
        await flowAround(async () => {
          await server.kill();
          await server.restart();
        });
        await until('all is heard', () => ROOMS.every((room) => timeline.heard.get(room)?.length === owner.last(room)));
      }
      for (const room of ROOMS) expect(timeline.heard.get(room)).toEqual(range(1, owner.last(room)));
      expectEverythingOnceInOrder();
      for (const reasons of resets) expect(reasons).toContainEqual({ kind: 'reconnected' });
      expect(resets.flat()).not.toContainEqual({ kind: 'stream-lost', stream: 'room-events' });
    },
    TIMEOUT_MS,
  );

  it(
    'a server that is stopped as operators do costs nothing either',
    async () => {
      await flowAround(async () => {
        await server.stop();
        await server.restart();
      });
      await until('all is heard', () => ROOMS.every((room) => timeline.heard.get(room)?.length === owner.last(room)));
      for (const room of ROOMS) expect(timeline.heard.get(room)).toEqual(range(1, owner.last(room)));
    },
    TIMEOUT_MS,
  );

  it(
    'a server that loses all its files costs nothing that the owner knows',
    async () => {
      for (let round = 1; round <= 3; round++) {
        await flowAround(async () => {
          await server.kill();
          await server.restart({ wipe: true });
        });
        await until('the timeline is complete', () => timeline.complete);
        const lost = (reasons: ResetReason[]) => reasons.filter(({ kind }) => kind === 'stream-lost');
        await until('everybody has noticed', () => resets.every((reasons) => lost(reasons).length >= round));
        for (const reasons of resets) {
          expect(lost(reasons)).toEqual(Array(round).fill({ kind: 'stream-lost', stream: 'room-events' }));
        }
      }
      expectEverythingOnceInOrder();
    },
    TIMEOUT_MS,
  );

  it(
    'kills, restarts and losses in turn cost nothing that the owner knows',
    async () => {
      for (const wipe of [false, true, true, false]) {
        await flowAround(async () => {
          await server.kill();
          await server.restart({ wipe });
          await server.restart();
        });
      }
      await until('the timeline is complete', () => timeline.complete);
      expectEverythingOnceInOrder();
    },
    TIMEOUT_MS,
  );

  it(
    'readers that come and go cost neither a message nor the order',
    async () => {
      const joining = await connectJetStreamBus({ servers: [server.url] });
      await flowAround(async () => {
        await joining.consume(reader({ durable: 'appender', maxBatch: 20 }), timeline.handler);
      });
      await flowAround(() => (buses.pop() as Bus).close());
      await until('all is heard', () => ROOMS.every((room) => timeline.heard.get(room)?.length === owner.last(room)));
      await joining.close();
      for (const room of ROOMS) expect(timeline.heard.get(room)).toEqual(range(1, owner.last(room)));
      expect(timeline.repeated).toBe(0);
    },
    TIMEOUT_MS,
  );
});
