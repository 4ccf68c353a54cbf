import { once } from 'node:events';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { spawnTypeScript } from '../../../testing/src/child-process.js';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import { type Bus, PoisonError } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { CountedMetrics, conversation, Reading, reader, roomStream, until } from '../support.js';

const stream = roomStream({ shards: 1 });
/** A reader is given up some seconds after it was heard last. */
const TIMEOUT_MS = 600_000;

describe('the dead letters of JetStream', () => {
  let server: NatsServer;
  let other: NatsConnection;
  let bus: Bus;
  let metrics: CountedMetrics;

  beforeEach(async () => {
    server = await startNatsServer();
    other = await connect({ servers: server.url });
    metrics = new CountedMetrics();
    bus = await connectJetStreamBus({ servers: [server.url], metrics });
  }, 300_000);

  afterEach(async () => {
    await other.close();
    await bus.close();
    await server.close();
  });

  it('hold what nobody can decode, byte for byte', async () => {
    const reading = new Reading();
    await bus.consume(reader({ stream }), reading.handler);
    const js = jetstream(other);
    const rubbish = [Buffer.from('{"room":'), Buffer.from([0xff, 0x00]), Buffer.from(''), Buffer.from('{"room":1}')];
    for (const bytes of rubbish) await js.publish('ganglion.room-events.0', bytes);
    await bus.publishAll(stream, conversation(['!a:x'], 1, 1));
    await until('what follows is read', () => reading.total === 1);
    await until('all is parked', async () => (await bus.parked()).length === rubbish.length);
    const parked = await bus.parked();
    expect(parked.map(({ payload }) => Buffer.from(payload))).toEqual(rubbish);
    for (const { reason, subject } of parked) expect([reason, subject]).toEqual(['undecodable', 'room-events.0']);
    expect(metrics.counts['parked room-events reader undecodable']).toBe(rubbish.length);
  });

  it(
    'hold what ends one reader after the other, and blame nothing beside it',
    async () => {
      await bus.publishAll(stream, conversation(['!a:x', '!b:x', '!c:x'], 1, 1));
      const lines: string[] = [];
      while (!lines.includes('!c:x 1')) {
        const doomed = spawnTypeScript(new URL('./doomed-process.ts', import.meta.url), [server.url, '!b:x']);
        const ended = once(doomed.process, 'exit');
        await Promise.race([ended, doomed.line('!c:x').catch(() => {})]);
        await doomed.kill('SIGKILL');
        lines.push(...doomed.lines);
      }
      expect(await bus.parked()).toMatchObject([{ reason: 'unsettled', detail: expect.stringMatching(/4 times/) }]);
      expect(stream.codec.decode((await bus.parked())[0]!.payload)).toEqual({ room: '!b:x', seq: 1 });
      expect(lines.some((line) => line.startsWith('!b:x'))).toBe(false);
    },
    TIMEOUT_MS,
  );

  it('outlive the process, and show the newest', async () => {
    await bus.consume(reader({ stream }), () => Promise.reject(new PoisonError('grüße, 世界\n: no \ud800 good')));
    await bus.publishAll(stream, conversation(['!a:x'], 1, 5));
    await until('all are parked', async () => (await bus.parked()).length === 5);
    await bus.close();
    bus = await connectJetStreamBus({ servers: [server.url] });
    const parked = await bus.parked(2);
    expect(parked.map(({ payload }) => stream.codec.decode(payload).seq)).toEqual([4, 5]);
    expect(parked[0]?.detail).toBe('PoisonError: grüße, 世界 : no \ufffd good');
  });

  it('are written before the message is done with, though the server is away', async () => {
    const reading = new Reading();
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await bus.consume(reader({ stream, maxBatch: 1 }), async (batch) => {
      begun.resolve();
      await held.promise;
      if (batch[0]?.message.seq === 1) throw new PoisonError('bad');
      await reading.handler(batch);
    });
    await bus.publishAll(stream, conversation(['!a:x'], 1, 2));
    await begun.promise;
    await server.kill();
    held.resolve();
    await server.restart();
    await until('what follows is read', () => reading.room('!a:x').includes(2));
    await until('it is parked', async () => (await bus.parked()).length > 0);
    expect((await bus.parked())[0]).toMatchObject({ reason: 'poison', detail: 'PoisonError: bad' });
  });
});
