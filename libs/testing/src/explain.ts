/** The error with something more to say; another one that was caused by it where its message cannot be changed. */
export function explained(error: unknown, note: string): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${error.message}\n\n${note}`;
  try {
    error.message = message;
    return error;
  } catch {
    return new Error(message, { cause: error });
  }
}
