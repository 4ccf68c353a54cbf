import { availableParallelism } from 'node:os';
import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import type { Metrics } from '@ganglion/telemetry';
import type { Options } from '@node-rs/argon2';
import type { Passwords } from '../domain/ports.js';
import { Turns } from './turns.js';

const MAX_WAITING = 200;

/** Loaded with the first password: a process that sees none does without. */
const argon2 = () => import('@node-rs/argon2');

/** Passwords as argon2id hashes. Few are computed at once: each takes a core and much memory. */
export class Argon2Passwords implements Passwords {
  readonly #turns = new Turns(Math.max(1, availableParallelism() - 1), MAX_WAITING);
  readonly #options: Options;
  readonly #seconds;
  #decoy: Promise<string> | undefined;

  constructor({ memory_kib, passes, parallelism }: Config['passwords']['argon2'], metrics: Metrics) {
    // argon2id is the library's default.
    this.#options = { memoryCost: memory_kib, timeCost: passes, parallelism };
    this.#seconds = metrics.histogram({
      name: 'ganglion_password_hash_seconds',
      help: 'Time to hash or verify a password, without waiting for a turn.',
    });
  }

  hash(password: string): Promise<string> {
    return this.#inTurn(async () => (await argon2()).hash(password, this.#options));
  }

  async verify(known: string | undefined, password: string): Promise<boolean> {
    const verified = await this.#inTurn(async () => {
      return (await argon2()).verify(known ?? (await this.#decoyHash()), password);
    });
    return verified && known !== undefined;
  }

  /** What passwords of unknown users are compared with, so that time does not tell who exists. */
  #decoyHash(): Promise<string> {
    this.#decoy ??= argon2().then(({ hash }) => hash('', this.#options));
    return this.#decoy;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = await this.#turns.take();
    if (turn === undefined) {
      throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many people log in right now', { retry_after_ms: 5_000 });
    }
    const stop = this.#seconds.startTimer();
    try {
      return await work();
    } finally {
      stop();
      turn();
    }
  }
}
