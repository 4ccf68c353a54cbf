import { type TracePoint, tracePoint, withSpan } from '@ganglion/telemetry';
import { SpanKind } from '@opentelemetry/api';
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

/** A statement on its way: the driver calls back from wherever its socket was opened. */
export interface TracedStatement extends Statement {
  readonly tracePoint?: TracePoint;
}

/** Runs a statement as a part of the trace that it belongs to, if there is one that is recorded. */
export function traced<T>(statement: Statement, run: (statement: TracedStatement) => Promise<T>): Promise<T> {
  if (tracePoint() === undefined) return run(statement);
  const summary = describeStatement(statement);
  const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': summary };
  const inside = () => run({ ...statement, tracePoint: tracePoint()! });
  return withSpan(statement.name ?? summary.split(' ', 1).join(), attributes, inside, { kind: SpanKind.CLIENT });
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
