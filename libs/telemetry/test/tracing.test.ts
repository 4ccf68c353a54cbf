import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import {
  createLogger,
  createTelemetry,
  extractContext,
  inContext,
  injectContext,
  type Telemetry,
  tracingEnabled,
  withSpan,
} from '../src/index.js';

const identity = {
  service: 'room-server',
  instance: 'room-server-1',
  version: '1.0.0',
  log: { level: 'silent', format: 'json' },
} as const;

let telemetry: Telemetry | undefined;
let exporter: InMemorySpanExporter;

async function start(sampleRatio = 1): Promise<void> {
  exporter = new InMemorySpanExporter();
  telemetry = await createTelemetry({ ...identity, traces: { exporter, sampleRatio } });
}

afterEach(async () => {
  await telemetry?.shutdown();
  telemetry = undefined;
});

describe('while tracing is on', () => {
  it('spans nest across awaits and tell whose they are', async () => {
    await start();
    await withSpan('outer', { 'matrix.kind': 'send' }, async () => {
      await sleep(1);
      withSpan('inner', {}, () => 1);
    });
    const [inner, outer] = exporter.getFinishedSpans();
    expect([inner?.name, outer?.name]).toEqual(['inner', 'outer']);
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(outer?.attributes).toEqual({ 'matrix.kind': 'send' });
    expect(outer?.resource.attributes).toMatchObject({
      'service.name': 'ganglion-room-server',
      'service.instance.id': 'room-server-1',
    });
  });

  it('a failure is marked on its span, without its words, and thrown on', async () => {
    await start();
    const fail = () => withSpan('fails', {}, async () => Promise.reject(new TypeError('secret words')));
    await expect(fail()).rejects.toThrow('secret words');
    expect(() =>
      withSpan('fails at once', {}, () => {
        throw new RangeError('secret words');
      }),
    ).toThrow('secret words');
    const [first, second] = exporter.getFinishedSpans();
    expect(first?.status).toEqual({ code: 2, message: 'TypeError' });
    expect(second?.attributes).toEqual({ 'error.type': 'RangeError' });
    expect(JSON.stringify([first?.events, second?.events])).not.toContain('secret');
  });

  it('a trace goes on behind a carrier, and only there', async () => {
    await start();
    const carrier = withSpan('sender', {}, () => injectContext({ other: 'kept' }));
    expect(carrier).toMatchObject({
      other: 'kept',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    });
    inContext(extractContext(carrier), () => withSpan('receiver', {}, () => {}));
    withSpan('stranger', {}, () => {}, { parent: extractContext({ traceparent: 'garbage' }) });
    const [sender, receiver, stranger] = exporter.getFinishedSpans();
    expect(receiver?.spanContext().traceId).toBe(sender?.spanContext().traceId);
    expect(receiver?.parentSpanContext?.spanId).toBe(sender?.spanContext().spanId);
    expect(stranger?.parentSpanContext).toBeUndefined();
  });

  it('log lines carry the ids of the span they were written in', async () => {
    await start();
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
    const ids = withSpan('work', {}, (span) => {
      logger.info('inside');
      return span.spanContext();
    });
    logger.info('outside');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ trace_id: ids.traceId, span_id: ids.spanId });
    expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('trace_id');
  });

  it('what was not sampled is not exported, and a caller who samples is followed', async () => {
    await start(0);
    withSpan('unsampled', {}, () => {});
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    withSpan('followed', {}, () => {}, { parent: extractContext({ traceparent }) });
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['followed']);
  });

  it('spans reach a collector over OTLP, at the latest at shutdown', async () => {
    const paths: string[] = [];
    const collector = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    telemetry = await createTelemetry({ ...identity, traces: { otlpEndpoint: `http://127.0.0.1:${port}/` } });
    withSpan('exported', {}, () => {});
    await telemetry.shutdown();
    telemetry = undefined;
    await new Promise((resolve) => collector.close(resolve));
    expect(paths).toEqual(['POST /v1/traces']);
  });
});

describe('while tracing is off', () => {
  it('spans run their function and carry nothing', async () => {
    expect(tracingEnabled()).toBe(false);
    expect(await withSpan('off', {}, async () => 3)).toBe(3);
    expect(withSpan('off', {}, () => injectContext({}))).toEqual({});
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  it('starts and stops with a process', async () => {
    await start();
    expect(tracingEnabled()).toBe(true);
    await telemetry?.shutdown();
    telemetry = undefined;
    expect(tracingEnabled()).toBe(false);
  });

  it('the SDK is not loaded', () => {
    const script = fileURLToPath(new URL('./processes/loaded.ts', import.meta.url));
    const hooks = new URL('../../testing/src/typescript-hooks.ts', import.meta.url).href;
    const run = (traces: string) =>
      spawnSync(process.execPath, ['--conditions=source', '--import', hooks, script, traces], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      }).stdout.trim();
    expect(run('off')).toBe('sdk: false');
    expect(run('on')).toBe('sdk: true');
  });
});
