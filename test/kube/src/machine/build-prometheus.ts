import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../../../../scripts/launcher/lock.mjs';
import { go } from './go.ts';

const VERSION = 'v0.316.0';
const SOURCES = fileURLToPath(new URL('../../prometheus', import.meta.url));
const PROGRAM = fileURLToPath(new URL(`../../../../.tools/prometheus-${VERSION}/prometheus`, import.meta.url));

/** The program, when it was built before. */
export function prometheusBuiltBefore(): string | undefined {
  return existsSync(PROGRAM) ? PROGRAM : undefined;
}

/** Builds Prometheus' storage and engine, which takes Go and a minute or two the first time. @returns the program */
export async function buildPrometheus(say: (what: string) => void): Promise<string> {
  const folder = dirname(PROGRAM);
  const waiting = () => say('waiting for another build of Prometheus');
  await withLock(`${folder}.lock`, waiting, async () => {
    if (existsSync(PROGRAM)) return;
    say(`building Prometheus ${VERSION} (once)`);
    const half = `${folder}.${process.pid}`;
    try {
      await mkdir(half, { recursive: true });
      await go(['build', '-trimpath', '-ldflags', '-s -w', '-o', `${half}/prometheus`, '.'], { cwd: SOURCES });
      await rename(half, folder);
    } finally {
      await rm(half, { recursive: true, force: true });
    }
  });
  return PROGRAM;
}
