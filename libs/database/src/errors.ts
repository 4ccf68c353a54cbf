import pg from 'pg';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT', // a Unix socket that is not there
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  '25P03', // idle in transaction for too long
  '25P04', // a transaction that took too long
  '53300', // too many connections
  '57P01', // the administrator ended the connection
  '57P02', // crash of another backend
  '57P03', // starting up or shutting down
  '57P05', // idle for too long
]);

/** node-postgres reports these without a code. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after|Query read timeout)/;

const QUERY_CANCELED = '57014';
const LOCK_NOT_AVAILABLE = '55P03';
const UNIQUE_VIOLATION = '23505';
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';

interface PostgresError {
  readonly code?: string;
  readonly constraint?: string;
  readonly message?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** Whether the connection to Postgres failed, so that the outcome is unknown and trying again later makes sense. */
export function isConnectionError(error: unknown): boolean {
  return someCause(error, ({ code, message, errors }) => {
    if (code !== undefined && (CONNECTION_CODES.has(code) || code.startsWith('08'))) return true;
    if (message !== undefined && CONNECTION_MESSAGES.test(message)) return true;
    return errors?.some(isConnectionError) ?? false;
  });
}

/**
 * Whether PostgreSQL gave a statement up because it ran, or waited for a lock, for too long, or because somebody cancelled
 * it. Unlike after a connection error the outcome is known: its transaction is rolled back, nothing of it comes later.
 */
export function isTimeout(error: unknown): boolean {
  return someCause(error, ({ code }) => code === QUERY_CANCELED || code === LOCK_NOT_AVAILABLE);
}

/**
 * Whether it was the moment's fault and not the statement's: a lost connection, a timeout or a lost race. What failed for
 * another reason will fail again.
 */
export function isTemporary(error: unknown): boolean {
  return isConnectionError(error) || isTimeout(error) || isRetryable(error);
}

/** Whether a row would have broken a unique constraint: any, or the one of this name. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return someCause(
    error,
    (cause) => cause.code === UNIQUE_VIOLATION && (constraint === undefined || cause.constraint === constraint),
  );
}

/** Whether a transaction lost against a concurrent one and may simply be run again. */
export function isRetryable(error: unknown): boolean {
  return someCause(error, ({ code }) => code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED);
}

/** Whether PostgreSQL, or the connection to it, said no: unlike an error that was thrown by whoever used it. */
export function isDatabaseError(error: unknown): boolean {
  return isConnectionError(error) || someCause(error, (cause) => cause instanceof pg.DatabaseError);
}

/** Drizzle wraps what the driver threw. */
function someCause(error: unknown, matches: (cause: PostgresError) => boolean): boolean {
  let cause = error;
  for (let depth = 0; depth < 5 && typeof cause === 'object' && cause !== null; depth++) {
    if (matches(cause as PostgresError)) return true;
    cause = (cause as PostgresError).cause;
  }
  return false;
}
