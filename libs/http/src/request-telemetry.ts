import type { Metrics } from '@ganglion/telemetry';
import { extractContext, inContext, tracingEnabled } from '@ganglion/telemetry';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const SPAN = Symbol('span');
type TracedRequest = FastifyRequest & { [SPAN]?: Span };

/** A span and a duration for each request, named by its route, never by its path: paths hold ids of rooms and users. */
export function observeRequests(app: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram({
    name: 'ganglion_http_request_seconds',
    help: 'Time to answer a request.',
    labels: ['method', 'route', 'status'],
  });
  app.addHook('onRequest', (request: TracedRequest, _reply, done) => {
    if (!tracingEnabled()) return done();
    const name = `${request.method} ${request.routeOptions.url ?? 'unrecognized'}`;
    const parent = extractContext(request.headers);
    const options = { kind: SpanKind.SERVER, attributes: { request_id: request.id } };
    // Asked for each time: a tracer from before tracing was turned on may never learn of it.
    const span = trace.getTracer('ganglion').startSpan(name, options, parent);
    if (!span.isRecording()) return done();
    request[SPAN] = span;
    inContext(trace.setSpan(parent, span), done);
  });
  app.addHook('onResponse', (request: TracedRequest, reply, done) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'unrecognized',
      status: `${Math.floor(reply.statusCode / 100)}xx`,
    };
    seconds.observe(reply.elapsedTime / 1000, labels);
    const span = request[SPAN];
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}
