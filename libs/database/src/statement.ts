import { withSpan } from '@ganglion/telemetry';
import { SpanKind, trace } from '@opentelemetry/api';
import type { QueryResult, QueryResultRow } from 'pg';

/** One statement: with a name it is prepared once per connection, and the name is what logs call it. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What statements can be given to: the pool, or a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow = QueryResultRow>(statement: Statement): Promise<QueryResult<Row>>;
}

/** Runs a statement as a part of the trace that it belongs to, if there is one. */
export function traced<T>(statement: Statement, run: () => Promise<T>): Promise<T> {
  if (!trace.getActiveSpan()) return run();
  const summary = describeStatement(statement);
  const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': summary };
  return withSpan(statement.name ?? summary.split(' ', 1).join(), attributes, run, { kind: SpanKind.CLIENT });
}

const MAX_LENGTH = 300;

/** What a log may say about a statement: its name, or its text on one line without any literal. */
export function describeStatement(statement: unknown): string {
  if (typeof statement === 'string') return normalise(statement);
  const { name, text } = (statement ?? {}) as { name?: unknown; text?: unknown };
  if (typeof name === 'string' && name !== '') return name;
  return typeof text === 'string' ? normalise(text) : 'unknown';
}

function normalise(text: string): string {
  const normal = text
    .replace(/--[^\n]*/g, ' ')
    .replace(/\$([a-z_]*)\$[\s\S]*?\$\1\$/gi, '?')
    .replace(/'(?:[^']|'')*'/g, '?')
    .replace(/(?<![$\w."])\d+(?:\.\d+)?\b/g, '?')
    .replace(/\s+/g, ' ')
    .trim();
  return normal.length > MAX_LENGTH ? `${normal.slice(0, MAX_LENGTH)}…` : normal;
}
