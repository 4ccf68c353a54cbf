import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs the tool of Go, behind whatever else the machine has to do. @throws Error that says what is missing */
export async function go(args: string[], { cwd }: { cwd: string }) {
  await run('go', ['version']).catch(() => {
    throw new Error('this needs Go 1.26 or newer: https://go.dev/dl');
  });
  return run('nice', ['-n', '10', 'go', ...args], {
    cwd,
    env: { ...process.env, CGO_ENABLED: '0' },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 3_600_000,
  });
}
