import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Order } from './load/worker.ts';
import type { Plan, Run, Target } from './types.ts';

/** The process that loads one homeserver, seen from the one that decides whose turn it is. */
export class Crew {
  readonly target: Target;
  readonly #child: ChildProcess;

  constructor(target: Target, plan: Plan) {
    this.target = target;
    this.#child = fork(new URL('./load/worker.ts', import.meta.url), { serialization: 'advanced' });
    this.#tell({ target, plan });
  }

  /**
   * One round of one measurement.
   *
   * @throws Error when it could not be done, with the server's name in front
   */
  async run(measure: string): Promise<Run> {
    const stop = new AbortController();
    const { signal } = stop;
    const ended = once(this.#child, 'exit', { signal }).then(() => ({ error: 'the load generator ended' }));
    const answered = once(this.#child, 'message', { signal }).then(([message]) => message as Answer);
    this.#tell({ measure });
    const answer = await Promise.race([ended, answered]);
    stop.abort();
    await Promise.allSettled([ended, answered]);
    if ('error' in answer) throw new Error(`${this.target.name}, ${measure}: ${answer.error}`);
    return answer.run;
  }

  dismiss(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #tell(order: Order): void {
    this.#child.send(order);
  }
}
