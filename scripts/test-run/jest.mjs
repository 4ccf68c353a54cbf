import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { MODULES, ROOT } from '../launcher/paths.mjs';

const JEST = ['--experimental-vm-modules', join(MODULES, 'jest/bin/jest.js')];

/** Tests that need the machine for themselves run one after the other, when all others are done. */
export function needsTheMachine(file) {
  return /^test\/(?:e2e|cluster)\//.test(relative(ROOT, file));
}

/** Runs the selected tests and adds them to the tally. */
export async function runJest(selection, env, tally) {
  const files = await listTests(selection);
  if (files.length === 0) return tally.fail(`no test matches ${selection.join(' ')}`);
  const options = selection.filter((arg, i) => arg.startsWith('-') || isNamePattern(selection[i - 1]));
  const workers = Math.max(2, availableParallelism() - 1);
  const groups = [
    [files.filter((file) => !needsTheMachine(file)), `--maxWorkers=${workers}`],
    [files.filter(needsTheMachine), '--runInBand'],
  ];
  for (const [group, how] of groups) if (group.length > 0) await runFiles(group, [how, ...options], env, tally);
}

/** Whether the argument is followed by its value. */
function isNamePattern(arg) {
  return arg === '-t' || arg === '--testNamePattern';
}

async function listTests(selection) {
  const { stdout } = await promisify(execFile)(process.execPath, [...JEST, '--listTests', '--json', ...selection], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout || '[]');
}

async function runFiles(files, options, env, tally) {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-jest-'));
  const report = join(folder, 'report.json');
  const args = [...JEST, '--json', `--outputFile=${report}`, ...options, '--runTestsByPath', ...files];
  const jest = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code, signal] = await once(jest, 'exit');
  try {
    const isPart = options.some((option) => isNamePattern(option.split('=')[0]));
    tally.addJest(JSON.parse(readFileSync(report, 'utf8')), code ?? signal, isPart);
  } catch (error) {
    tally.fail(`jest ended with ${code ?? signal} and left no report: ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
