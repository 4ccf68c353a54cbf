import type { Queryable } from '@ganglion/database';
import type { TransactionKey, TransactionStore } from '../domain/ports/incoming.js';

/** Whoever has a transaction and says nothing for so long has died. */
const TAKEN_FOR = "interval '15 seconds'";
/** Who asks again does so within minutes, or has made a new transaction of it. */
const KEPT_FOR = "interval '3 hours'";

const TAKE = `
  INSERT INTO federation_api.transactions AS t (origin, destination, txn_id, taken_by, taken_until)
  VALUES ($1, $2, $3, $4, now() + ${TAKEN_FOR})
  ON CONFLICT (origin, destination, txn_id) DO UPDATE
    SET taken_by = excluded.taken_by, taken_until = excluded.taken_until
    WHERE t.answer IS NULL AND t.taken_until < now()
  RETURNING true`;

const OWN = 'origin = $1 AND destination = $2 AND txn_id = $3 AND taken_by = $4 AND answer IS NULL';

/** Transactions of other servers, in PostgreSQL. */
export class PostgresTransactionStore implements TransactionStore {
  constructor(private readonly db: Queryable) {}

  async take(key: TransactionKey, holder: string): Promise<boolean> {
    const values = [...valuesOf(key), holder];
    const { rows } = await this.db.query({ name: 'take-federation-transaction', text: TAKE, values });
    return rows.length > 0;
  }

  async answer(key: TransactionKey): Promise<string | undefined> {
    const { rows } = await this.db.query<{ answer: string | null }>({
      name: 'federation-transaction-answer',
      text: `SELECT answer FROM federation_api.transactions
        WHERE origin = $1 AND destination = $2 AND txn_id = $3`,
      values: valuesOf(key),
    });
    return rows[0]?.answer ?? undefined;
  }

  async keep(key: TransactionKey, holder: string): Promise<void> {
    await this.db.query({
      name: 'keep-federation-transaction',
      text: `UPDATE federation_api.transactions SET taken_until = now() + ${TAKEN_FOR} WHERE ${OWN}`,
      values: [...valuesOf(key), holder],
    });
  }

  async finish(key: TransactionKey, holder: string, answer: string): Promise<void> {
    await this.db.query({
      name: 'finish-federation-transaction',
      text: `UPDATE federation_api.transactions SET answer = $5 WHERE ${OWN}`,
      values: [...valuesOf(key), holder, answer],
    });
  }

  async giveUp(key: TransactionKey, holder: string): Promise<void> {
    await this.db.query({
      name: 'give-up-federation-transaction',
      text: `DELETE FROM federation_api.transactions WHERE ${OWN}`,
      values: [...valuesOf(key), holder],
    });
  }

  async forgetOld(): Promise<void> {
    await this.db.query({
      text: `DELETE FROM federation_api.transactions WHERE created_at < now() - ${KEPT_FOR} AND taken_until < now()`,
    });
  }
}

function valuesOf({ origin, destination, txnId }: TransactionKey): string[] {
  return [origin, destination, txnId];
}
