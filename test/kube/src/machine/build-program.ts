import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../../../../scripts/launcher/lock.mjs';
import { go } from './go.ts';

/** A program that is built of a Go module of its own, and kept among the repository's tools. */
interface Recipe {
  readonly name: string;
  readonly version: string;
  /** The folder of the module, below `test/kube`. */
  readonly module: string;
  /** The package that is the program. */
  readonly of: string;
  /** What the linker writes into it. */
  readonly facts?: readonly string[];
}

/** Prometheus' storage and engine. */
export const PROMETHEUS: Recipe = { name: 'prometheus', version: 'v0.316.0', module: 'prometheus', of: '.' };

const HELM_4_VERSION = 'v4.2.4';
/** The chart is for helm 3 and helm 4, which apply objects in different ways. */
export const HELM_4: Recipe = {
  name: 'helm',
  version: HELM_4_VERSION,
  module: 'helm-4',
  of: 'helm.sh/helm/v4/cmd/helm',
  facts: [`helm.sh/helm/v4/internal/version.version=${HELM_4_VERSION}`],
};

/** The program, when it was built before. */
export function programBuiltBefore(recipe: Recipe): string | undefined {
  const program = join(folderOf(recipe), recipe.name);
  return existsSync(program) ? program : undefined;
}

/** Builds it, which takes Go and some minutes the first time. @returns the program */
export async function buildProgram(recipe: Recipe, say: (what: string) => void): Promise<string> {
  const { name, version, module, of, facts = [] } = recipe;
  const folder = folderOf(recipe);
  const waiting = () => say(`waiting for another build of ${name} ${version}`);
  await withLock(`${folder}.lock`, waiting, async () => {
    if (programBuiltBefore(recipe) !== undefined) return;
    say(`building ${name} ${version} (once)`);
    const half = `${folder}.${process.pid}`;
    try {
      await mkdir(half, { recursive: true });
      const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...facts.map((fact) => `-X ${fact}`)].join(' ')];
      const cwd = fileURLToPath(new URL(`../../${module}`, import.meta.url));
      await go(['build', ...flags, '-o', join(half, name), of], { cwd });
      await rename(half, folder);
    } finally {
      await rm(half, { recursive: true, force: true });
    }
  });
  return join(folder, name);
}

function folderOf({ name, version }: Recipe): string {
  return fileURLToPath(new URL(`../../../../.tools/${name}-${version}`, import.meta.url));
}
