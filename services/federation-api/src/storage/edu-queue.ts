import { rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { OutgoingEdu, Route } from '../domain/ports/sending.js';
import { addWork, keyOf } from './destination-work.js';

interface QueuedRow {
  readonly server_name: string;
  readonly origin: string;
  readonly edu_nid: number;
  readonly subject: string | undefined;
}

const addEdus = statement(
  'add-outgoing-edus',
  sql<readonly OutgoingEdu[]>`
  INSERT INTO federation_api.outgoing_edus (edu)
  SELECT edu FROM (${rowsOf('e', { ordinal: 'integer', edu: 'text' }, (edus) =>
    edus.map(({ json }, ordinal) => ({ ordinal, edu: json })),
  )}) AS given ORDER BY ordinal RETURNING edu_nid`,
);

const ROW = { server_name: 'text', origin: 'text', edu_nid: 'bigint', subject: 'text' } as const;

const queue = statement(
  'queue-edus',
  sql<readonly QueuedRow[]>`
  INSERT INTO federation_api.queued_edus (server_name, origin, edu_nid, subject)
  ${rowsOf('r', ROW, (rows) => rows)}`,
);

/** What these make up for. */
const forgetEarlier = statement(
  'forget-earlier-edus',
  sql<readonly QueuedRow[]>`
  DELETE FROM federation_api.queued_edus q USING (${rowsOf('r', ROW, (rows) => rows)}) AS later
  WHERE q.server_name = later.server_name AND q.origin = later.origin AND q.subject = later.subject`,
);

/**
 * Queues what has to arrive, in this order; for a destination that is away, too, which gets of what is about the same only what came
 * last. What is for nobody is left out.
 */
export async function queueEdus(tx: Transaction, edus: readonly OutgoingEdu[]): Promise<void> {
  const told = edus.filter(({ routes }) => routes.length > 0);
  if (told.length === 0) return;
  const behind = await addWork(
    tx,
    told.flatMap(({ routes }) => routes),
  );
  const { rows } = await tx.query<{ edu_nid: number }>(addEdus(told));
  const nids = rows.map(({ edu_nid }) => edu_nid).toSorted((a, b) => a - b);
  const queued = told.flatMap(({ routes, subject }, i) =>
    routes.map((route) => ({ route, row: rowOf(route, nids[i]!, subject) })),
  );
  const replacing = queued.filter(({ route, row }) => row.subject !== undefined && behind.has(keyOf(route)));
  if (replacing.length > 0) await tx.query(forgetEarlier(replacing.map(({ row }) => row)));
  await tx.query(queue(queued.map(({ row }) => row)));
}

function rowOf({ server, origin }: Route, nid: number, subject: string | undefined): QueuedRow {
  return { server_name: server, origin, edu_nid: nid, subject };
}
