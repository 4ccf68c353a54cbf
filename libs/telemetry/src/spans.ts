import {
  type Attributes,
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

let enabled = false;

/** Whether traces are on; when they are not, there is no need to carry their context. */
export function tracingEnabled(): boolean {
  return enabled;
}

/** Turns the making of spans on or off; the SDK must be there first. */
export function enableTracing(on: boolean): void {
  enabled = on;
}

/** Runs a function inside a new span that ends with it; a failure is marked on the span and thrown on. */
export function withSpan<T>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => T,
  options: Omit<SpanOptions, 'attributes'> & { parent?: Context } = {},
): T {
  if (!enabled) return run(NO_SPAN);
  const { parent, ...rest } = options;
  // Asked for each time: a tracer from before tracing was turned on may never learn of it.
  return trace
    .getTracer('ganglion')
    .startActiveSpan(name, { ...rest, attributes }, parent ?? context.active(), (span) => {
      try {
        const result = run(span);
        if (result instanceof Promise) return ended(span, result) as T;
        span.end();
        return result;
      } catch (error) {
        fail(span, error);
        span.end();
        throw error;
      }
    });
}

async function ended<T>(span: Span, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** The message stays out: it may quote what a person wrote. */
export function fail(span: Span, error: unknown): void {
  const type = error instanceof Error ? error.name : 'Error';
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}

/** Writes the active trace into a carrier (headers, metadata of a message) as W3C `traceparent`. */
export function injectContext<T extends Record<string, string>>(carrier: T, active: Context = context.active()): T {
  propagation.inject(active, carrier);
  return carrier;
}

/** The context that a carrier brings; without a trace in it, the root context. */
export function extractContext(carrier: Readonly<Record<string, unknown>>): Context {
  return propagation.extract(ROOT_CONTEXT, carrier);
}

/** Runs a function in a context, such as one brought by a carrier. */
export function inContext<T>(active: Context, run: () => T): T {
  return context.with(active, run);
}
