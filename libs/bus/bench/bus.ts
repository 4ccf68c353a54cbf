/**
 * What a message costs on either bus. Run it with
 * `node --conditions=source --import ../testing/src/typescript-hooks.ts bench/bus.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Metrics } from '../../telemetry/src/metrics.js';
import { startNatsServer } from '../../testing/src/nats-server.js';
import { type Bus, createEmbeddedBus, jsonCodec, prometheusBusMetrics, type StreamDefinition } from '../src/index.js';
import { connectJetStreamBus } from '../src/jetstream/jetstream-bus.js';

interface RoomEvent {
  readonly room: string;
  readonly seq: number;
  readonly content: string;
}

interface Figure {
  readonly what: string;
  readonly perSecond: number;
  readonly wallMicros: number;
  readonly cpuMicros: number;
}

const CONTENT = 'x'.repeat(800);
const stream: StreamDefinition<RoomEvent> = {
  name: 'room-events',
  shards: 8,
  codec: jsonCodec((input) => input as RoomEvent),
  maxAgeMs: 3_600_000,
};

function event(seq: number): { message: RoomEvent; key: string } {
  const room = `!room${seq % 100}:example.org`;
  return { message: { room, seq, content: CONTENT }, key: room };
}

async function read(bus: Bus, durable: string, source = stream): Promise<{ count: number }> {
  const state = { count: 0 };
  const consumer = { stream: source, durable, maxBatch: 200, maxAttempts: 5, backoffMs: [100] };
  await bus.consume({ ...consumer, key: ({ room }) => room }, async (batch) => {
    state.count += batch.length;
  });
  return state;
}

async function measure(what: string, messages: number, run: () => Promise<void>): Promise<Figure> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const wallMicros = ((performance.now() - start) * 1_000) / messages;
  const { user, system } = process.cpuUsage(cpu);
  return { what, perSecond: 1_000_000 / wallMicros, wallMicros, cpuMicros: (user + system) / messages };
}

/** Publishes with so many in flight and waits until the readers have everything. */
async function flow(bus: Bus, messages: number, inFlight: number, readers: readonly { count: number }[]) {
  const before = readers.map(({ count }) => count);
  let next = 0;
  const publisher = async () => {
    while (next < messages) {
      const { message, key } = event(next++);
      await bus.publish(stream, message, { key });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, publisher));
  while (readers.some(({ count }, index) => count < (before[index] as number) + messages)) await sleep(1);
}

async function flowInBatches(bus: Bus, messages: number, size: number, readers: readonly { count: number }[]) {
  const before = readers.map(({ count }) => count);
  for (let next = 0; next < messages; next += size) {
    await bus.publishAll(
      stream,
      Array.from({ length: size }, (_, index) => event(next + index)),
    );
  }
  while (readers.some(({ count }, index) => count < (before[index] as number) + messages)) await sleep(1);
}

async function latency(bus: Bus, rounds: number): Promise<string> {
  const times: number[] = [];
  let arrived: () => void = () => {};
  const quiet = { ...stream, name: 'quiet' };
  const consumer = {
    stream: quiet,
    durable: 'latency',
    maxBatch: 10,
    maxAttempts: 5,
    backoffMs: [100],
  };
  const subscription = await bus.consume({ ...consumer, key: ({ room }) => room }, async () => arrived());
  for (let round = 0; round < rounds; round++) {
    const { message, key } = event(round);
    const heard = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const start = performance.now();
    await Promise.all([bus.publish(quiet, message, { key }), heard]);
    times.push(performance.now() - start);
  }
  await subscription.stop();
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(times.length * share)] as number).toFixed(3);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

async function idleCpu(bus: Bus, durables: number): Promise<string> {
  const idle = { ...stream, name: 'idle' };
  for (let n = 0; n < durables; n++) await read(bus, `idle${n}`, idle);
  await sleep(2_000);
  const start = performance.now();
  const cpu = process.cpuUsage();
  await sleep(10_000);
  const { user, system } = process.cpuUsage(cpu);
  return `${((user + system) / ((performance.now() - start) * 10)).toFixed(2)} % of a core`;
}

function show(figures: readonly Figure[]): void {
  for (const { what, perSecond, wallMicros, cpuMicros } of figures) {
    const columns = [
      perSecond.toFixed(0).padStart(9),
      wallMicros.toFixed(2).padStart(9),
      cpuMicros.toFixed(2).padStart(9),
    ];
    console.log(`${what.padEnd(52)} ${columns.join(' ')}`);
  }
}

async function embedded(): Promise<void> {
  for (const [name, options] of [
    ['embedded', {}],
    ['embedded, counted by Prometheus', { metrics: prometheusBusMetrics(new Metrics()) }],
  ] as const) {
    const bus = createEmbeddedBus(options);
    const readers = [await read(bus, 'one')];
    await flow(bus, 100_000, 64, readers);
    const single = await measure(`${name}: 64 in flight, 1 reader`, 500_000, () => flow(bus, 500_000, 64, readers));
    const alone = await measure(`${name}: 1 in flight, 1 reader`, 500_000, () => flow(bus, 500_000, 1, readers));
    readers.push(await read(bus, 'two'), await read(bus, 'three'));
    const batch = await measure(`${name}: batches of 50, 3 readers`, 500_000, () =>
      flowInBatches(bus, 500_000, 50, readers),
    );
    show([single, alone, batch]);
    console.log(`${name}: publish to handler ${await latency(bus, 2_000)}`);
    await bus.close();
  }
}

async function jetStream(): Promise<void> {
  const server = await startNatsServer();
  const bus = await connectJetStreamBus({ servers: [server.url] });
  await flow(bus, 5_000, 64, []);
  const figures = [
    await measure('JetStream: publish, 1 in flight', 3_000, () => flow(bus, 3_000, 1, [])),
    await measure('JetStream: publish, 64 in flight', 50_000, () => flow(bus, 50_000, 64, [])),
    await measure('JetStream: publish, batches of 500', 50_000, () => flowInBatches(bus, 50_000, 500, [])),
  ];
  const readers = [await read(bus, 'one')];
  const stored = 108_000;
  figures.push(
    await measure('JetStream: read what is stored, 1 reader', stored, async () => {
      while ((readers[0] as { count: number }).count < stored) await sleep(1);
    }),
    await measure('JetStream: 64 in flight and read, 1 reader', 50_000, () => flow(bus, 50_000, 64, readers)),
  );
  show(figures);
  console.log(`JetStream: publish to handler ${await latency(bus, 1_000)}`);
  console.log(`JetStream: idle with 6 durables of 8 shards ${await idleCpu(bus, 6)}`);
  await bus.close();
  await server.close();
}

console.log(`${''.padEnd(52)}       1/s   µs wall    µs CPU`);
await embedded();
await jetStream();
