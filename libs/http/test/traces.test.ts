import { createTelemetry, type TracingOptions } from '@ganglion/telemetry';
import { Controller, Get } from '@nestjs/common';
import { testApp } from './support/test-app.js';

type Exporter = NonNullable<TracingOptions['exporter']>;
type Spans = Parameters<Exporter['export']>[0];

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

@Controller('_matrix/client/v3')
class RoomsController {
  @Get('rooms/:roomId/state')
  state() {
    return [];
  }
}

/** Tracing begins when the process starts, which is long after this library was loaded. */
async function recordedSpans(run: () => Promise<void>): Promise<Spans> {
  const spans: Spans = [];
  const exporter: Exporter = {
    export: (ended, done) => {
      spans.push(...ended);
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
  const names = { service: 'test', instance: '1', version: '0' };
  const telemetry = await createTelemetry({ ...names, log: { level: 'silent', format: 'json' }, traces: { exporter } });
  try {
    await run();
  } finally {
    await telemetry.shutdown();
  }
  return spans;
}

it('a request is a span of the trace that its caller began, named by its route', async () => {
  const app = await testApp([RoomsController]);
  const spans = await recordedSpans(async () => {
    await app.fastify.inject({ url: '/_matrix/client/v3/rooms/!secret/state', headers: { traceparent: PARENT } });
  });
  await app.drain();
  expect(spans.map(({ name }) => name)).toEqual(['GET /_matrix/client/v3/rooms/:roomId/state']);
  expect(spans[0]?.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(spans[0]?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  expect(JSON.stringify(spans[0]?.attributes)).not.toContain('secret');
});
