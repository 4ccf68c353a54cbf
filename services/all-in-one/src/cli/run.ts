import { CommanderError } from 'commander';
import { type CliContext, CliError, type Work } from './context.js';
import { createProgram } from './program.js';

/** Runs the command and returns the exit code: 0 done, 1 failed, 2 the command or the configuration is wrong. */
export async function runCli(args: readonly string[], context: CliContext, work: Work): Promise<number> {
  try {
    await createProgram(context, work).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    return explain(error, context);
  }
}

function explain(error: unknown, context: CliContext): number {
  // Commander has said what is wrong already; help that was asked for is no mistake.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CliError) {
    context.err(`${error.message}\n`);
    return error.exitCode;
  }
  context.err(`${inWords(error)}\n`);
  return 1;
}

/** With all that has led to it: the last is what has to be put right. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const own = `${error.stack ?? error.message}${code === undefined ? '' : ` (${code})`}`;
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [];
  const causes = error.cause === undefined ? parts : [...parts, error.cause];
  return [own, ...causes.map((cause) => `Because of: ${inWords(cause)}`)].join('\n');
}
