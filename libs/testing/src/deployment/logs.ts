import { cp, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explained } from '../explain.js';

const LINES_SHOWN = 40;
const LONGEST_LINE = 600;

/** Runs a part of a test; what it fails with says what the servers have complained about, and where all their logs are. */
export async function withLogs<T>(folder: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw explained(error, await report(folder));
  }
}

async function report(folder: string): Promise<string> {
  const kept = await mkdtemp(join(tmpdir(), 'ganglion-failed-'));
  await cp(folder, kept, { recursive: true });
  const complaints = await Promise.all((await readdir(kept)).map((file) => complaintsIn(kept, file)));
  const shown = complaints.flat().sort().slice(-LINES_SHOWN);
  return `The servers' logs are in ${kept}. They complained:\n${shown.join('\n') || '(nothing)'}`;
}

/** Warnings and worse, with the time before them to sort by; and what is no log line, such as a crash. */
async function complaintsIn(folder: string, file: string): Promise<string[]> {
  const lines = (await readFile(join(folder, file), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const { level, time } = parsed(line);
    if (level === 'info' || level === 'debug' || level === 'trace') return [];
    return [`${String(time ?? '')} ${file}: ${line.slice(0, LONGEST_LINE)}`.trim()];
  });
}

function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
