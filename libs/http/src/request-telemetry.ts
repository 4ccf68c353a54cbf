import type { Logger, Metrics } from '@ganglion/telemetry';
import { extractContext, inContext, tracingEnabled } from '@ganglion/telemetry';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const SPAN = Symbol('span');
type TracedRequest = FastifyRequest & { [SPAN]?: Span };

/** A span and a duration for each request, named by its route, never by its path: paths hold ids of rooms and users. */
export function observeRequests(app: FastifyInstance, metrics: Metrics, logger: Logger): void {
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
    request[SPAN] = span;
    inContext(trace.setSpan(parent, span), done);
  });
  // What reads a body goes on in the context of the socket.
  app.addHook('preValidation', (request: TracedRequest, _reply, done) => {
    inSpan(request[SPAN], done);
  });
  app.addHook('onResponse', (request: TracedRequest, reply, done) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'unrecognized',
      status: `${Math.floor(reply.statusCode / 100)}xx`,
    };
    seconds.observe(reply.elapsedTime / 1000, labels);
    const span = request[SPAN];
    if (logger.isLevelEnabled('debug')) {
      inSpan(span, () => logger.debug({ request_id: request.id, ...labels }, 'answered'));
    }
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}

function inSpan(span: Span | undefined, run: () => void): void {
  if (span === undefined) run();
  else inContext(trace.setSpan(ROOT_CONTEXT, span), run);
}
