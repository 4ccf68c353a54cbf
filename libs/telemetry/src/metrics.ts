import * as prometheus from 'prom-client';
import { type LabelDeclaration, LabelGuard, type Labels } from './metric-labels.js';

export interface MetricOptions {
  /** `ganglion_…`, with its unit and `_total` for counters, as Prometheus wants it. */
  readonly name: string;
  readonly help: string;
  readonly labels?: LabelDeclaration;
}

export interface HistogramOptions extends MetricOptions {
  readonly buckets?: readonly number[];
}

export interface Counter {
  inc(labels?: Labels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  inc(labels?: Labels, by?: number): void;
  dec(labels?: Labels, by?: number): void;
  /** Asks for the value at each scrape instead of being told; returns what ends that. */
  observe(read: () => number, labels?: Labels): () => void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
  /** Starts a stopwatch; what it returns stops it, observes and returns the seconds. */
  startTimer(labels?: Labels): (more?: Labels) => number;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A Prometheus registry in which every metric has bounded labels and asking twice for one name gives one metric. */
export class Metrics {
  readonly #registry = new prometheus.Registry();
  readonly #known = new Map<string, { kind: string; metric: unknown }>();

  /** Adds the metrics of the process itself: CPU, memory, event loop, garbage collection. */
  collectProcess(labels: Record<string, string> = {}): void {
    this.#registry.setDefaultLabels(labels);
    prometheus.collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 50 });
  }

  counter(options: MetricOptions): Counter {
    return this.#once(options, 'counter', (guard, registers) => {
      const counter = new prometheus.Counter({ ...described(options), registers, labelNames: guard.names });
      return { inc: (labels?: Labels, by = 1) => counter.inc(guard.bound(labels), by) };
    });
  }

  gauge(options: MetricOptions): Gauge {
    return this.#once(options, 'gauge', (guard, registers) => {
      const readers = new Set<{ read: () => number; labels: Record<string, string> }>();
      const gauge: prometheus.Gauge = new prometheus.Gauge({
        ...described(options),
        registers,
        labelNames: guard.names,
        collect: () => {
          for (const { read, labels } of readers) gauge.set(labels, read());
        },
      });
      return gaugeOver(gauge, guard, readers);
    });
  }

  histogram(options: HistogramOptions): Histogram {
    return this.#once(options, 'histogram', (guard, registers) => {
      const buckets = [...(options.buckets ?? SECONDS)];
      const histogram = new prometheus.Histogram({
        ...described(options),
        registers,
        labelNames: guard.names,
        buckets,
      });
      const observe = (value: number, labels?: Labels) => histogram.observe(guard.bound(labels), value);
      return { observe, startTimer: (labels?: Labels) => stopwatch(observe, labels) };
    });
  }

  /** Everything in Prometheus' text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  clear(): void {
    this.#registry.clear();
    this.#known.clear();
  }

  #once<T>(options: MetricOptions, kind: string, make: (guard: LabelGuard, registers: prometheus.Registry[]) => T): T {
    const known = this.#known.get(options.name);
    if (known && known.kind !== kind) throw new Error(`metric ${options.name} is a ${known.kind}, not a ${kind}`);
    if (known) return known.metric as T;
    const metric = make(new LabelGuard(options.name, options.labels), [this.#registry]);
    this.#known.set(options.name, { kind, metric });
    return metric;
  }
}

function described({ name, help }: MetricOptions): { name: string; help: string } {
  return { name, help };
}

function gaugeOver(
  gauge: prometheus.Gauge,
  guard: LabelGuard,
  readers: Set<{ read: () => number; labels: Record<string, string> }>,
): Gauge {
  return {
    set: (value, labels) => gauge.set(guard.bound(labels), value),
    inc: (labels, by = 1) => gauge.inc(guard.bound(labels), by),
    dec: (labels, by = 1) => gauge.dec(guard.bound(labels), by),
    observe: (read, labels) => {
      const reader = { read, labels: guard.bound(labels) };
      readers.add(reader);
      return () => {
        readers.delete(reader);
        gauge.remove(reader.labels);
      };
    },
  };
}

function stopwatch(observe: (value: number, labels?: Labels) => void, labels: Labels = {}) {
  const start = performance.now();
  return (more: Labels = {}) => {
    const seconds = (performance.now() - start) / 1000;
    observe(seconds, { ...labels, ...more });
    return seconds;
  };
}
