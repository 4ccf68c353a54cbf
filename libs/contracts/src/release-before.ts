/**
 * Whether a call failed because the process that answered is of the release before, which does not know it: for the time of an
 * upgrade two releases run side by side, and callers do without what only the new one answers.
 */
export function isUnknownCall(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'UNIMPLEMENTED';
}
