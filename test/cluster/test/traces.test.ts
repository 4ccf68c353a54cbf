import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  call,
  eventually,
  MatrixUser,
  PASSWORD,
  type SyncAnswer,
  startAllInOne,
  startTestCluster,
  type TestDeployment,
} from '@ganglion/testing';
import { OtlpCollector, type Span } from './support/otlp-collector.js';

const PUT = 'PUT /_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId';
const SYNC = 'GET /_matrix/client/v3/sync';
const SEND_EVENT = 'ganglion.room.v1.Rooms/SendEvent';
const EXPORTED_WITHIN_MS = 30_000;
const MESSAGES = 4;

/** A trace that a client begins, and wants to have recorded. */
function beginTrace() {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

type Trace = ReturnType<typeof beginTrace>;

/** Somebody whose requests may be parts of traces. */
class TracedUser {
  private constructor(
    private readonly user: MatrixUser,
    private readonly url: string,
  ) {}

  static async register(url: string, name: string): Promise<TracedUser> {
    return new TracedUser(await MatrixUser.register(url, name), url);
  }

  get userId(): string {
    return this.user.userId;
  }

  get accessToken(): string {
    return this.user.accessToken;
  }

  createRoomWith(guest: TracedUser): Promise<string> {
    return this.user.createRoom({ preset: 'public_chat' }).then((roomId) => guest.user.join(roomId).then(() => roomId));
  }

  say(roomId: string, text: string, { headers }: Trace): Promise<unknown> {
    const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${randomUUID()}`;
    return this.#call('PUT', path, headers, { msgtype: 'm.text', body: text });
  }

  sync(since: string | undefined, timeout: number, { headers }: Trace): Promise<SyncAnswer> {
    return this.#call('GET', `sync?timeout=${timeout}${since === undefined ? '' : `&since=${since}`}`, headers);
  }

  #call<T>(method: 'GET' | 'PUT', path: string, headers: Trace['headers'], body?: object): Promise<T> {
    const authorization = `Bearer ${this.accessToken}`;
    const url = `${this.url}/_matrix/client/v3/${path}`;
    return call<T>({ method, url, headers: { ...headers, authorization }, body });
  }
}

let deployment: TestDeployment;
let collector: OtlpCollector;

/** Nothing is sampled but what a client wants to have recorded. */
const settings = () => ({
  telemetry: { traces: { otlp_endpoint: collector.url, sample_ratio: 0 }, log: { level: 'debug' as const } },
  database: { slow_statement_ms: 1 },
});

beforeAll(async () => {
  collector = await OtlpCollector.start();
});
afterAll(() => collector.close());

/** One message, from the sender's request to the answer of a reader who waits for it. */
async function sendAndReceive() {
  const [alice, bob] = (await Promise.all(
    ['alice', 'bob'].map((name) => TracedUser.register(deployment.url, `${name}-${randomBytes(4).toString('hex')}`)),
  )) as [TracedUser, TracedUser];
  const roomId = await alice.createRoomWith(bob);
  const [sending, reading] = [beginTrace(), beginTrace()];
  const text = `secret-${randomUUID()}`;
  let { next_batch: since } = await bob.sync(undefined, 0, reading);
  const received = (async () => {
    for (;;) {
      const answer = await bob.sync(since, 20_000, reading);
      since = answer.next_batch;
      const { events = [] } = answer.rooms?.join?.[roomId]?.timeline ?? {};
      if (events.some(({ content }) => content.body === text)) return;
    }
  })();
  await Promise.all([alice.say(roomId, text, sending), received]);
  return {
    sending,
    reading,
    secrets: [text, PASSWORD, alice.accessToken, bob.accessToken],
  };
}

/** A span, its service and what it is a part of, in words. */
function lineage(spans: readonly Span[], name: string, kind?: number): string[] {
  const line: string[] = [];
  let span = spans.find((other) => other.name === name && (kind === undefined || other.kind === kind));
  while (span !== undefined) {
    line.push(`${span.service}: ${span.name}`);
    const { parentSpanId } = span;
    span = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return line.reverse();
}

type Message = Awaited<ReturnType<typeof sendAndReceive>>;

/** Of several messages, since a replica that looks into the database just then knows nothing of the trace. */
async function sendSome(): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < MESSAGES) messages.push(await sendAndReceive());
  return messages;
}

/** The message whose trace has led to the answer that brought it, along this path. */
async function followed(messages: readonly Message[], path: string[]): Promise<Message> {
  const message = await eventually(() => {
    const paths = messages.map(({ sending }) => lineage(collector.trace(sending.traceId), 'deliver to /sync'));
    expect(paths).toContainEqual(path);
    return messages[paths.findIndex((other) => other.join() === path.join())] as Message;
  }, EXPORTED_WITHIN_MS);
  const spans = collector.trace(message.sending.traceId);
  expect(spans.find(({ name }) => name === PUT)?.parentSpanId).toBe(message.sending.spanId);
  const [link] = spans.find(({ name }) => name === 'deliver to /sync')?.links ?? [];
  await eventually(() => {
    const answer = collector.trace(message.reading.traceId).find(({ spanId }) => spanId === link?.spanId);
    expect(answer?.name).toBe(SYNC);
    expect(answer?.service).toBe(spans.find(({ name }) => name === 'deliver to /sync')?.service);
  }, EXPORTED_WITHIN_MS);
  for (const secret of messages.flatMap(({ secrets }) => secrets)) expect(collector.received).not.toContain(secret);
  return message;
}

/** The log lines of processes that are parts of a trace. */
async function linesOf(trace: Trace, files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text) => text.split('\n')).filter((line) => line.includes(`"trace_id":"${trace.traceId}"`));
}

describe('the trace of a message in a cluster', () => {
  let logs: (service: string) => string[];

  beforeAll(async () => {
    const cluster = await startTestCluster({ settings: settings() });
    deployment = cluster;
    logs = (service) => cluster.replicas.flatMap((replica) => (replica.service === service ? [replica.logFile] : []));
  }, 120_000);
  afterAll(() => deployment?.close(), 60_000);

  const prove = (name: string, run: () => Promise<void>) => it(name, () => deployment.explaining(run), 120_000);

  prove('goes from HTTP through gRPC and the bus to the /sync that delivers it', async () => {
    const message = await followed(await sendSome(), [
      `ganglion-client-api: ${PUT}`,
      `ganglion-client-api: ${SEND_EVENT}`,
      `ganglion-room-server: ${SEND_EVENT}`,
      'ganglion-room-server: send room-events',
      'ganglion-sync: process room-events',
      'ganglion-sync: deliver to /sync',
    ]);
    await eventually(() => {
      const spans = collector.trace(message.sending.traceId);
      expect(lineage(spans, 'commit-events').slice(-3)).toEqual([
        `ganglion-room-server: ${SEND_EVENT}`,
        'ganglion-room-server: commit',
        'ganglion-room-server: commit-events',
      ]);
      const appended = ['ganglion-sync: process room-events', 'ganglion-sync: append'];
      expect(lineage(spans, 'append').slice(-2)).toEqual(appended);
      const kinds = spans.map(({ name, kind }) => `${name} ${kind}`);
      expect(kinds).toEqual(expect.arrayContaining(['send room-events 4', 'process room-events 5']));
    }, EXPORTED_WITHIN_MS);
  });

  prove('is named in the log lines of every service on its way', async () => {
    await eventually(async () => {
      const { sending } = await sendAndReceive();
      for (const service of ['client-api', 'room-server', 'sync']) {
        expect(await linesOf(sending, logs(service))).not.toEqual([]);
      }
    }, 60_000);
  });
});

describe('the trace of a message within one process', () => {
  beforeAll(async () => {
    deployment = await startAllInOne({ settings: settings() });
  }, 120_000);
  afterAll(() => deployment?.close(), 60_000);

  it('goes from HTTP through the bus to the /sync that delivers it', async () => {
    await deployment.explaining(async () => {
      await followed(
        await sendSome(),
        [PUT, 'send room-events', 'process room-events', 'deliver to /sync'].map(
          (name) => `ganglion-all-in-one: ${name}`,
        ),
      );
    });
  }, 120_000);
});
