import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';

/** A command that a step needed has failed; its output says why. */
class CommandFailed extends Error {
  constructor(command, reason, output) {
    super(`${command} failed (${reason})\n${output.trimEnd()}`);
  }
}

/** Runs a command and keeps its output to itself, unless it fails. */
export async function runQuietly(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-20_000);
    });
  }
  const reason = await ended(child);
  if (reason !== 0) throw new CommandFailed([command, ...args].join(' '), reason, output);
}

/**
 * Runs a command in our place: on our terminal, with our signals, and we end as it ends. A terminal sends Ctrl-C to it
 * as well as to us, so that we only pass on what it cannot have got.
 */
export async function runInstead(command, args, options) {
  const child = spawn(command, args, { stdio: 'inherit', ...options });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const reason = await ended(child);
  process.exitCode = typeof reason === 'number' ? reason : 128 + (constants.signals[reason] ?? 0);
}

/** The exit code, or the name of the signal, or what kept it from starting. */
function ended(child) {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}
