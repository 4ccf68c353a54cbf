import { spawnTypeScript, type TestProcess } from '../../../testing/src/child-process.js';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import type { Bus } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { conversation, Reading, range, reader, roomStream, until } from '../support.js';

const ROOMS = range(1, 20).map((n) => `!room${n}:x`);
const TIMEOUT_MS = 60_000;

describe('a durable that several processes read', () => {
  let server: NatsServer;
  let bus: Bus;
  let child: TestProcess;

  beforeEach(async () => {
    server = await startNatsServer();
    bus = await connectJetStreamBus({ servers: [server.url] });
    child = spawnTypeScript(new URL('./reader-process.ts', import.meta.url), [server.url]);
    await child.line('ready');
  }, 300_000);

  afterEach(async () => {
    await child.kill('SIGKILL');
    await bus.close();
    await server.close();
  });

  /** What the other process says it has read of a room. */
  function readThere(room: string): number[] {
    return child.lines.filter((line) => line.startsWith(`${room} `)).map((line) => Number(line.split(' ')[1]));
  }

  const there = () => child.lines.length - 1;

  it(
    'goes on with the others when one is killed: nothing is lost, and each room stays in order',
    async () => {
      const reading = new Reading();
      let last = 0;
      const turn = () => bus.publishAll(roomStream(), conversation(ROOMS, ++last, last));
      while (there() < 100) await turn();
      await bus.consume(reader({ durable: 'push', maxBatch: 10 }), reading.handler);
      const alone = there();
      while (reading.total < 100 || there() < alone + 100) await turn();
      await child.kill('SIGKILL');
      for (let more = 0; more < 50; more++) await turn();
      await until('all is read', () => ROOMS.every((room) => reading.room(room).at(-1) === last));
      for (const room of ROOMS) {
        const here = reading.room(room);
        const [first = 0] = here;
        expect(here).toEqual(range(first, last));
        const before = readThere(room);
        expect(before).toEqual(range(1, before.length));
        expect(first).toBeLessThanOrEqual(before.length + 1);
      }
      expect(ROOMS.some((room) => reading.room(room)[0] !== 1)).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    'goes on with the others when one is frozen, and is shared again when that one comes back',
    async () => {
      const reading = new Reading();
      await bus.consume(reader({ durable: 'push', maxBatch: 10 }), reading.handler);
      let last = 0;
      const turn = () => bus.publishAll(roomStream(), conversation(ROOMS, ++last, last));
      while (there() < 50 || reading.total < 50) await turn();
      child.process.kill('SIGSTOP');
      for (let more = 0; more < 5; more++) await turn();
      const frozen = last;
      await until('the others have taken over', () => ROOMS.every((room) => reading.room(room).at(-1) === frozen));
      child.process.kill('SIGCONT');
      const before = there();
      while (there() < before + 100) await turn();
      await until('all is read', () => reading.total + there() >= ROOMS.length * last);
      await until('all is known', () =>
        ROOMS.every((room) => new Set([...reading.room(room), ...readThere(room)]).size === last),
      );
    },
    TIMEOUT_MS,
  );
});
