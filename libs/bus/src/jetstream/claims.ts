import { JetStreamApiCodes, JetStreamApiError, type StoredMsg } from '@nats-io/jetstream';
import type { ConsumerDefinition } from '../bus.js';
import type { JetStreamCore } from './core.js';
import { claimsSpec } from './stream-registry.js';

export interface Claim {
  /** The member that reads the shard; nobody when it was given up. */
  readonly owner: string | undefined;
  /** The place of the claim in its stream; 0 when there is none. */
  readonly version: number;
}

/** Who reads which shard of a durable. A claim is only ever replaced by who has seen the one before. */
export class Claims {
  readonly #core: JetStreamCore;
  readonly #consumer: ConsumerDefinition<never>;

  constructor(core: JetStreamCore, consumer: ConsumerDefinition<never>) {
    this.#core = core;
    this.#consumer = consumer;
  }

  async read(shard: number): Promise<Claim> {
    const { connection, jsm, registry, naming } = this.#core;
    const spec = claimsSpec(naming);
    await registry.ensure(spec);
    const stored = await connection.answer(
      jsm.streams.getMessage(spec.name, { last_by_subj: this.#subject(shard) }).catch(orNothing),
    );
    return stored ? { owner: stored.string() || undefined, version: stored.seq } : { owner: undefined, version: 0 };
  }

  /** @returns the new version, or undefined when somebody else was faster */
  async write(shard: number, owner: string | undefined, seen: number): Promise<number | undefined> {
    const { connection, js } = this.#core;
    const expect = { lastSubjectSequence: seen };
    const written = js.publish(this.#subject(shard), owner ?? '', { expect });
    return await connection.answer(
      written.then(
        ({ seq }) => seq,
        (error: unknown) => {
          if (isOutrun(error)) return undefined;
          throw error;
        },
      ),
    );
  }

  #subject(shard: number): string {
    return this.#core.naming.claim(this.#consumer.stream.name, this.#consumer.durable, shard);
  }
}

function orNothing(error: unknown): StoredMsg | null {
  if (isApiError(error, JetStreamApiCodes.NoMessageFound)) return null;
  throw error;
}

function isOutrun(error: unknown): boolean {
  return isApiError(error, JetStreamApiCodes.StreamWrongLastSequence);
}

function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
