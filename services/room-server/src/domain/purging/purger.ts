import { setTimeout as pause } from 'node:timers/promises';
import type { PurgeStore } from '../ports/purge-store.js';
import type { Retention } from './retention.js';

/** Between two steps, so that a long purge leaves the database to others. */
const PAUSE_MS = 5;

/** Does what is to be purged, step by step, until it is told to stop. */
export class Purger {
  #isStopping = false;

  constructor(
    private readonly store: PurgeStore,
    /** Undefined where rooms keep everything. */
    private readonly retention: Retention | undefined,
  ) {}

  async work(): Promise<void> {
    while (!this.#isStopping && (await this.store.step())) await pause(PAUSE_MS);
  }

  /** What rooms should not keep any longer is asked for, and purged. */
  async retain(): Promise<void> {
    await this.store.forget();
    await this.retention?.apply();
    await this.work();
  }

  stop(): void {
    this.#isStopping = true;
  }
}
