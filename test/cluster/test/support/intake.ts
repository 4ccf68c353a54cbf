import { setTimeout as sleep } from 'node:timers/promises';
import { type RoomIntake, RoomIntakeDefinition } from '@ganglion/contracts/room';
import { createRpcClient, parseEndpoints } from '@ganglion/rpc';
import type { Replica } from '@ganglion/testing';

const TRIES = 300;
const PAUSE_MS = 50;

/** Gives room-servers what other servers send, past the routing, at one of them or the other until one has taken it. */
export class Intake {
  readonly #clients: readonly (RoomIntake & { close(): Promise<void> })[];
  #turn = 0;
  #taken = 0;
  #awaited: { readonly count: number; readonly resolve: () => void } | undefined;
  failures = 0;

  constructor(replicas: readonly Replica[]) {
    this.#clients = replicas.map(({ rpc }) =>
      createRpcClient(RoomIntakeDefinition, { resolver: parseEndpoints([rpc]) }),
    );
  }

  async give<T>(call: (intake: RoomIntake) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await call(this.#clients[this.#turn++ % this.#clients.length]!);
        this.#count();
        return answer;
      } catch (error) {
        this.failures += 1;
        if (attempt >= TRIES) throw error;
        await sleep(PAUSE_MS);
      }
    }
  }

  /** Resolves at once when so many more calls have been answered. */
  after(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { count: this.#taken + count, resolve };
    });
  }

  #count(): void {
    this.#taken += 1;
    if (this.#taken === this.#awaited?.count) this.#awaited.resolve();
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
