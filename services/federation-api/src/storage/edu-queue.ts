import { rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { OutgoingEdu } from '../domain/sending/ports.js';
import { addWork } from './destination-work.js';

interface QueuedRow {
  readonly server_name: string;
  readonly origin: string;
  readonly edu_nid: number;
}

const addEdus = statement(
  'add-outgoing-edus',
  sql<readonly OutgoingEdu[]>`
  INSERT INTO federation_api.outgoing_edus (edu)
  SELECT edu FROM (${rowsOf('e', { ordinal: 'integer', edu: 'text' }, (edus) =>
    edus.map(({ json }, ordinal) => ({ ordinal, edu: json })),
  )}) AS given ORDER BY ordinal RETURNING edu_nid`,
);

const queue = statement(
  'queue-edus',
  sql<readonly QueuedRow[]>`
  INSERT INTO federation_api.queued_edus (server_name, origin, edu_nid)
  ${rowsOf('r', { server_name: 'text', origin: 'text', edu_nid: 'bigint' }, (rows) => rows)}`,
);

/** Queues what has to arrive, in this order; for a destination that is away, too. What is for nobody is left out. */
export async function queueEdus(tx: Transaction, edus: readonly OutgoingEdu[]): Promise<void> {
  const told = edus.filter(({ routes }) => routes.length > 0);
  if (told.length === 0) return;
  await addWork(
    tx,
    told.flatMap(({ routes }) => routes),
  );
  const { rows } = await tx.query<{ edu_nid: number }>(addEdus(told));
  const nids = rows.map(({ edu_nid }) => edu_nid).toSorted((a, b) => a - b);
  const queued = told.flatMap(({ routes }, i) =>
    routes.map(({ server, origin }) => ({ server_name: server, origin, edu_nid: nids[i]! })),
  );
  await tx.query(queue(queued));
}
