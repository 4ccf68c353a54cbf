import { JetStreamApiCodes, JetStreamApiError, type StoredMsg } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { ConsumerDefinition } from '../bus.js';
import type { JetStreamCore } from './core.js';
import { claimsSpec } from './stream-registry.js';

/** How far a shard has been read. */
export interface Position {
  /** Which stream it is about, should another one be created under the same name. */
  readonly identity: string;
  /** Everything up to here was settled. */
  readonly sequence: number;
}

/** What is known of the reading of a shard. */
export interface Claim {
  /** The member that reads the shard; nobody when it was given up. */
  readonly owner: string | undefined;
  /** Undefined when nobody has settled anything yet. */
  readonly position: Position | undefined;
  /** How often in a row a reader was lost without having settled anything. */
  readonly losses: number;
  /** The message that is handed over alone, once readers were lost again and again, and how often it was. */
  readonly begun?: Begun | undefined;
}

export interface Begun {
  readonly sequence: number;
  readonly times: number;
}

export interface StoredClaim extends Claim {
  /** The place of the claim in its stream; 0 when there is none. */
  readonly version: number;
}

const STREAM = 'Ganglion-Stream';
const SEQUENCE = 'Ganglion-Sequence';
const LOSSES = 'Ganglion-Losses';
const BEGUN = 'Ganglion-Begun';
const TIMES = 'Ganglion-Times';

/**
 * Who reads which shard of a durable, and how far. A claim is only ever replaced by who has seen the one before, so a
 * reader that has lost its shard without knowing cannot move the position.
 */
export class Claims {
  readonly #core: JetStreamCore;
  readonly #consumer: ConsumerDefinition<never>;

  constructor(core: JetStreamCore, consumer: ConsumerDefinition<never>) {
    this.#core = core;
    this.#consumer = consumer;
  }

  async read(shard: number): Promise<StoredClaim> {
    const { connection, jsm, registry, naming } = this.#core;
    const spec = claimsSpec(naming);
    await registry.ensure(spec);
    const stored = await connection.answer(
      jsm.streams.getMessage(spec.name, { last_by_subj: this.#subject(shard) }).catch(orNothing),
    );
    if (!stored) return { owner: undefined, position: undefined, losses: 0, version: 0 };
    const { header, seq } = stored;
    const owner = stored.string() || undefined;
    const begun = { sequence: countIn(header, BEGUN), times: countIn(header, TIMES) };
    return { owner, position: positionIn(header), losses: countIn(header, LOSSES), begun, version: seq };
  }

  /** @returns the new version, or undefined when somebody else was faster */
  async write(shard: number, { owner, position, losses, begun }: Claim, seen: number): Promise<number | undefined> {
    const { connection, js } = this.#core;
    const expect = { lastSubjectSequence: seen };
    const carried = headers();
    carried.set(LOSSES, String(losses));
    if (position) {
      carried.set(STREAM, position.identity);
      carried.set(SEQUENCE, String(position.sequence));
    }
    if (begun) {
      carried.set(BEGUN, String(begun.sequence));
      carried.set(TIMES, String(begun.times));
    }
    const written = js.publish(this.#subject(shard), owner ?? '', { expect, headers: carried });
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

function positionIn(carried: MsgHdrs): Position | undefined {
  const identity = carried.get(STREAM);
  const sequence = Number(carried.get(SEQUENCE));
  return identity && Number.isSafeInteger(sequence) ? { identity, sequence } : undefined;
}

function countIn(carried: MsgHdrs, name: string): number {
  const count = Number(carried.get(name));
  return Number.isSafeInteger(count) ? count : 0;
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
