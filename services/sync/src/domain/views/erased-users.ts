import { ERASURE_TYPE } from '@ganglion/contracts';
import type { AccountDataRow, AppendBatch } from '../append-batch.js';
import type { ReadModel } from '../ports/read-model.js';

/**
 * The users of ours who were erased: of what they have said, whoever was not there gets redacted copies.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export class ErasedUsers {
  readonly #users = new Set<string>();
  #loading: Promise<unknown> | undefined;

  constructor(private readonly model: Pick<ReadModel, 'erasedUsers'>) {}

  /** Forgets everybody. */
  begin(): void {
    this.#users.clear();
    this.#loading = undefined;
  }

  apply({ accountData }: AppendBatch): void {
    for (const row of accountData) if (isErasure(row)) this.#users.add(row.userId);
  }

  /** Who they are. The set goes on with what is appended. */
  async known(): Promise<ReadonlySet<string>> {
    while (this.#loading === undefined) this.#loading = this.#load();
    await this.#loading;
    return this.#users;
  }

  async #load(): Promise<void> {
    try {
      for (const userId of await this.model.erasedUsers()) this.#users.add(userId);
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }
}

/** Whether a row of account data is nothing but word of an erasure. */
export function isErasure({ roomId, type }: AccountDataRow): boolean {
  return roomId === '' && type === ERASURE_TYPE;
}
