import { tracePointOf, tracingEnabled, withSpan } from '@ganglion/telemetry';
import { trace } from '@opentelemetry/api';
import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import type { EventPlace } from '../timeline-event.js';

/** Who looks at a trace wants to see when the message arrived, not every member of a large room. */
const SHOWN_PER_MESSAGE = 20;
const MAX_MESSAGES = 1_000;

interface TracedMessage {
  readonly traceparent: string;
  /** How often it was shown that it arrived. */
  shown: number;
}

/** Shows in the traces of messages the answers that bring them to clients who follow what happens. */
export class Deliveries {
  /** By position: views may take an event from the database, which does not keep traces. */
  readonly #messages = new LRUCache<number, TracedMessage>({ maxSize: MAX_MESSAGES, sizeCalculation: () => 1 });

  /** Remembers which of these belong to a trace that is recorded. */
  note({ events }: AppendBatch): void {
    if (!tracingEnabled()) return;
    for (const { position, traceparent } of events) {
      if (traceparent !== undefined) this.#messages.set(position, { traceparent, shown: 0 });
    }
  }

  /** An answer that is begun; undefined when nobody traces, and for an initial sync, which brings what is old. */
  begin(since: number | undefined): Delivery | undefined {
    return since === undefined || !tracingEnabled() ? undefined : new Delivery(this.#messages);
  }
}

/** The traced messages in one answer. */
export class Delivery {
  readonly #startTime = Date.now();
  readonly #brought = new Set<TracedMessage>();

  constructor(private readonly messages: LRUCache<number, TracedMessage>) {}

  add(events: readonly EventPlace[]): void {
    for (const { position } of events) {
      const message = this.messages.get(position);
      if (message !== undefined && message.shown < SHOWN_PER_MESSAGE) this.#brought.add(message);
    }
  }

  /** The answer is ready. It has a trace of its own, to which it is linked. */
  end(): void {
    const answer = trace.getActiveSpan()?.spanContext();
    const links = answer === undefined ? [] : [{ context: answer }];
    for (const message of this.#brought) {
      message.shown += 1;
      const parent = tracePointOf(message.traceparent);
      if (parent === undefined) continue;
      withSpan('deliver to /sync', {}, () => {}, { parent, links, startTime: this.#startTime });
    }
  }
}
