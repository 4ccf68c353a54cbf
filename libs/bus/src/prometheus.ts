import type { Metrics } from '@ganglion/telemetry';
import type { BusMetrics } from './metrics.js';

const FLUSH_MS = 1_000;
const PARK_REASONS = ['poison', 'undecodable', 'exhausted', 'unsettled'];

/** Counts what the bus does as Prometheus metrics. */
export function prometheusBusMetrics(metrics: Metrics): BusMetrics {
  const published = metrics.counter({
    name: 'ganglion_bus_published_messages_total',
    help: 'Messages stored in a stream.',
    labels: ['stream'],
  });
  const refused = metrics.counter({
    name: 'ganglion_bus_refused_messages_total',
    help: 'Messages that could not be stored before their deadline.',
    labels: ['stream'],
  });
  const delivered = metrics.counter({
    name: 'ganglion_bus_delivered_messages_total',
    help: 'Messages given to a handler, repetitions included.',
    labels: ['stream', 'durable'],
  });
  const retried = metrics.counter({
    name: 'ganglion_bus_retried_messages_total',
    help: 'Temporary failures of a message that led to another attempt.',
    labels: ['stream', 'durable'],
  });
  const parked = metrics.counter({
    name: 'ganglion_bus_parked_messages_total',
    help: 'Messages set aside in the dead-letter stream.',
    labels: { stream: undefined, durable: undefined, reason: PARK_REASONS },
  });
  const lag = metrics.gauge({
    name: 'ganglion_bus_lag_messages',
    help: 'Messages that the shards of this process have still to handle.',
    labels: ['stream', 'durable'],
  });
  const sum = (before: number, count: number) => before + count;
  const last = (_: number, value: number) => value;
  return {
    published: coalesced(sum, (count, stream) => published.inc({ stream }, count)),
    refused: (stream) => refused.inc({ stream }),
    delivered: perDurable(sum, (count, stream, durable) => delivered.inc({ stream, durable }, count)),
    retried: (stream, durable) => retried.inc({ stream, durable }),
    parked: (stream, durable, reason) => parked.inc({ stream, durable, reason }),
    lag: perDurable(last, (messages, stream, durable) => lag.set(messages, { stream, durable })),
  };
}

type Combine = (before: number, value: number) => number;

/** Reports once a second: passing a message within the process costs less than counting it in Prometheus. */
function coalesced(combine: Combine, report: (value: number, name: string) => void) {
  const values = new Map<string, number>();
  const flush = () => {
    for (const [name, value] of values) report(value, name);
    values.clear();
  };
  return (name: string, value: number) => {
    if (values.size === 0) setTimeout(flush, FLUSH_MS).unref();
    values.set(name, combine(values.get(name) ?? 0, value));
  };
}

function perDurable(combine: Combine, report: (value: number, stream: string, durable: string) => void) {
  const durables = new Map<string, ReturnType<typeof coalesced>>();
  return (stream: string, durable: string, value: number) => {
    const name = `${stream} ${durable}`;
    let add = durables.get(name);
    if (!add) {
      add = coalesced(combine, (combined) => report(combined, stream, durable));
      durables.set(name, add);
    }
    add(durable, value);
  };
}
