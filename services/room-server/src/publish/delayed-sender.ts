import { isMatrixError } from '@ganglion/contracts';
import type { Logger } from '@ganglion/telemetry';
import type { DelayedEventRow } from '../domain/delayed/delayed-event.js';
import { type SendDelayedDependencies, sendDelayed } from '../domain/delayed/send-delayed.js';
import type { DelayedEventModel } from '../domain/ports/delayed-events.js';

export interface DelayedSenderDependencies extends SendDelayedDependencies {
  readonly model: DelayedEventModel;
  readonly logger: Logger;
}

/** Others may have kept an event and died. */
const LOOK_EVERY_MS = 1_000;
const AT_ONCE = 100;
const ROOMS_AT_ONCE = 8;
const PRUNE_EVERY = 3_600;

/** Sends delayed events when their time has come. Every replica does so: whoever takes one first sends it. */
export class DelayedSender {
  #timer: NodeJS.Timeout | undefined;
  /** By the monotonic clock. */
  #lookAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  /** What was noted while it is running. */
  #noted = Number.POSITIVE_INFINITY;
  #isStopped = true;
  #rounds = 0;

  constructor(private readonly deps: DelayedSenderDependencies) {}

  start(): void {
    this.#isStopped = false;
    this.note(LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** One is due in so many milliseconds. */
  note(inMs: number): void {
    const at = performance.now() + Math.max(0, inMs);
    if (this.#running !== undefined) this.#noted = Math.min(this.#noted, at);
    if (this.#running !== undefined || this.#isStopped || at >= this.#lookAt) return;
    this.#lookAt = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.min(inMs, LOOK_EVERY_MS)).unref();
  }

  #look(): void {
    this.#noted = Number.POSITIVE_INFINITY;
    let nextInMs = LOOK_EVERY_MS;
    this.#running = this.#sendDue()
      .then((next) => {
        nextInMs = Math.min(next ?? LOOK_EVERY_MS, LOOK_EVERY_MS);
      })
      .catch((error: unknown) => this.deps.logger.warn({ err: error }, 'delayed events could not be looked for'))
      .finally(() => {
        this.#running = undefined;
        this.#lookAt = Number.POSITIVE_INFINITY;
        this.note(Math.min(nextInMs, this.#noted - performance.now()));
      });
  }

  /** In how many milliseconds there is more to do. */
  async #sendDue(): Promise<number | undefined> {
    const { model } = this.deps;
    if (this.#rounds++ % PRUNE_EVERY === 0) await model.prune();
    const { events, nextInMs } = await model.takeDue(AT_ONCE);
    const rooms = Map.groupBy(events, ({ roomId }) => roomId).values();
    const work = async () => {
      for (const ofRoom of rooms) for (const event of ofRoom) await this.#send(event);
    };
    await Promise.all(Array.from({ length: Math.min(ROOMS_AT_ONCE, events.length) }, work));
    return events.length === AT_ONCE ? 0 : nextInMs;
  }

  async #send(event: DelayedEventRow): Promise<void> {
    await sendDelayed(this.deps, event, false).catch((error: unknown) => {
      const fields = { err: error, room_id: event.roomId };
      if (isMatrixError(error) && error.status < 500) this.deps.logger.info(fields, 'a delayed event was refused');
      else this.deps.logger.warn(fields, 'a delayed event could not be sent yet');
    });
  }
}
