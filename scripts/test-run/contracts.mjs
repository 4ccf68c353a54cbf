import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../launcher/paths.mjs';
import { runQuietly } from '../launcher/run.mjs';

/** Compares the contracts with those that they replace; says so when there are none. */
export async function checkContracts() {
  const base = findBase(ROOT);
  if (base === undefined) return 'no earlier commit has any';
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-contracts-'));
  try {
    const archive = execFileSync('git', ['archive', base, 'proto'], { cwd: ROOT, maxBuffer: 1 << 28 });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    await runQuietly('buf', ['breaking', 'proto', '--against', join(folder, 'proto')], { cwd: ROOT });
    return `since ${base.slice(0, 9)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The commit to compare with: where this branch left origin's main, or on main itself the commit before. Undefined on a
 * first commit, in a shallow clone that ends here, outside of git, and when that commit has no contracts.
 */
export function findBase(repository) {
  const git = (...args) => {
    const { status, stdout } = spawnSync('git', args, { cwd: repository, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : undefined;
  };
  const head = git('rev-parse', '--verify', 'HEAD');
  const fork = git('merge-base', 'HEAD', 'origin/main');
  const base = fork !== undefined && fork !== head ? fork : git('rev-parse', '--verify', 'HEAD~1');
  return base !== undefined && git('cat-file', '-e', `${base}:proto/buf.yaml`) !== undefined ? base : undefined;
}
