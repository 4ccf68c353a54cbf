import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type SpanOptions,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { extractContext, fail, injectContext, tracingEnabled } from './spans.js';

/** A place in a trace that is being recorded, from which it goes on later or elsewhere. */
export type TracePoint = Context;

/** Where the work of this moment stands in its trace; undefined when nobody records it, as always while tracing is off. */
export function tracePoint(): TracePoint | undefined {
  if (!tracingEnabled()) return undefined;
  const active = context.active();
  return isRecorded(active) ? active : undefined;
}

/** Runs what belongs to one trace, or to none: whoever works for many must not run it in the trace of somebody else. */
export function atTracePoint<T>(point: TracePoint | undefined, run: () => T): T {
  return tracingEnabled() ? context.with(point ?? ROOT_CONTEXT, run) : run();
}

/** A point as W3C `traceparent`, to be sent or kept. @see https://www.w3.org/TR/trace-context/#traceparent-header */
export function traceparentOf(point: TracePoint): string | undefined {
  return injectContext<Record<string, string>>({}, point).traceparent;
}

/** The point that a `traceparent` names; undefined when it names none that is recorded. */
export function tracePointOf(traceparent: string | undefined): TracePoint | undefined {
  if (traceparent === undefined || !tracingEnabled()) return undefined;
  const point = extractContext({ traceparent });
  return isRecorded(point) ? point : undefined;
}

/**
 * Runs work that is done for several traces at once: each gets a span of its own for it. What the work itself records
 * goes to the first of them.
 *
 * @param run is given for each point the one inside of its new span
 */
export async function withSpans<T>(
  name: string,
  attributes: Attributes,
  points: Iterable<TracePoint>,
  run: (inside: ReadonlyMap<TracePoint, TracePoint>) => Promise<T>,
  options: Omit<SpanOptions, 'attributes'> = {},
): Promise<T> {
  const tracer = trace.getTracer('ganglion');
  const inside = new Map<TracePoint, TracePoint>();
  for (const point of points) {
    if (inside.has(point)) continue;
    inside.set(point, trace.setSpan(point, tracer.startSpan(name, { ...options, attributes }, point)));
  }
  const spans = () => [...inside.values()].map((point) => trace.getSpan(point)!);
  const [first] = inside.values();
  try {
    return await atTracePoint(first, () => run(inside));
  } catch (error) {
    for (const span of spans()) fail(span, error);
    throw error;
  } finally {
    for (const span of spans()) span.end();
  }
}

function isRecorded(point: Context): boolean {
  const { traceFlags = TraceFlags.NONE } = trace.getSpanContext(point) ?? {};
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
