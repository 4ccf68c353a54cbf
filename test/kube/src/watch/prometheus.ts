import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Labels, Scrape } from './scrape.ts';

/** What Prometheus says to a query. */
export interface Answer {
  readonly query: string;
  readonly error?: string;
  readonly series: readonly { readonly labels: Labels; readonly value: string }[];
}

/**
 * Has Prometheus itself keep what was scraped, and answer queries at a time.
 *
 * @param program as `buildProgram` made it
 * @throws Error with its words when it does not take what was scraped
 */
export async function askPrometheus(
  program: string,
  given: { readonly scrapes: readonly Scrape[]; readonly at: number; readonly queries: readonly string[] },
): Promise<Answer[]> {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(given));
  const [said, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`Prometheus: ${complaint}`);
  return JSON.parse(said) as Answer[];
}
