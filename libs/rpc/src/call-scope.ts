import { AsyncLocalStorage } from 'node:async_hooks';

/** What bounds the work that is being done for somebody: everything called from inside inherits it. */
export interface CallScope {
  /** Milliseconds since the epoch; Infinity when there is no limit. */
  readonly deadline: number;
  /** Aborted when whoever asked has gone away. */
  readonly signal: AbortSignal | undefined;
}

const scopes = new AsyncLocalStorage<CallScope>();

/** The bounds of the current call, if it has any. */
export function currentScope(): CallScope | undefined {
  return scopes.getStore();
}

/** How much time the current call has left, in milliseconds; Infinity when nobody set a limit. */
export function remainingMs(): number {
  const scope = scopes.getStore();
  return scope ? scope.deadline - Date.now() : Number.POSITIVE_INFINITY;
}

/** Runs a function within bounds; those of the surrounding call still hold. */
export function withinScope<T>(bounds: { deadlineMs?: number; signal?: AbortSignal }, run: () => T): T {
  const outer = scopes.getStore();
  const deadline = Math.min(Date.now() + (bounds.deadlineMs ?? Number.POSITIVE_INFINITY), outer?.deadline ?? Infinity);
  const signals = [bounds.signal, outer?.signal].filter((signal) => signal !== undefined);
  const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  return scopes.run({ deadline, signal }, run);
}

/** Runs a function as the work of one call. */
export function runInScope<T>(scope: CallScope, run: () => T): T {
  return scopes.run(scope, run);
}
