import { createWorkerPoolVerifier, InThreadVerifier, type SignatureVerifier } from '@ganglion/protocol';

/** Fewer are checked sooner than they are handed to another thread. */
const WORTH_A_THREAD = 8;

/** Checks few signatures right here, and leaves many to other threads, which are made when there is something for them. */
export class AdaptiveVerifier implements SignatureVerifier {
  readonly #here = new InThreadVerifier();
  #pool: Promise<SignatureVerifier> | undefined;

  constructor(private readonly threads: number) {}

  async verify(checks: Parameters<SignatureVerifier['verify']>[0]): Promise<boolean[]> {
    if (checks.length < WORTH_A_THREAD) return this.#here.verify(checks);
    this.#pool ??= createWorkerPoolVerifier({ threads: this.threads });
    return (await this.#pool).verify(checks);
  }

  async close(): Promise<void> {
    await (await this.#pool)?.close();
  }
}
