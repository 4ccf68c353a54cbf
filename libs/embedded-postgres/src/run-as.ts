import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Binaries } from './binaries.js';

/** How to start the programs of PostgreSQL, which refuse to run as root. */
export interface RunAs {
  /** What comes before the program and its arguments. */
  readonly prefix: readonly string[];
  /** For `spawn`, and for the owner of the files; absent when we are not root. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

/**
 * Picks whom PostgreSQL runs as: ourselves, or as root the owner of the files that exist, else `postgres`, else `nobody`.
 * No account is made. When that user cannot reach the files because a folder above them is closed (as /root is), it is
 * given the right to pass through, and nothing else of what root may do.
 *
 * @throws Error when neither works
 */
export function chooseRunAs(dataDir: string, { initdb }: Binaries): RunAs {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const ids = ownerOf(dataDir) ?? idsOf('postgres') ?? idsOf('nobody');
  if (!ids)
    throw new Error('PostgreSQL does not run as root, and there is no user called postgres or nobody to run it as.');

  const reaches = ['sh', '-c', '"$0" --show --pgdata=/ && test -x "$1"', initdb, dataDir];
  if (succeeds(reaches, ids)) return { prefix: [], ids };
  const prefix = withPassage(ids);
  if (succeeds([...prefix, ...reaches])) return { prefix, ids };
  throw new Error(
    `PostgreSQL does not run as root, and user ${ids.uid} cannot reach ${initdb} and ${dataDir}. Move them to a folder that it can enter, or start Ganglion as another user.`,
  );
}

/** PostgreSQL looks at its files with access(2), which counts capabilities only when nothing is fixed up for setuid. */
function withPassage({ uid, gid }: { uid: number; gid: number }): string[] {
  const capability = '+dac_override';
  return [
    ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'],
    ...[`--inh-caps=${capability}`, `--ambient-caps=${capability}`, '--'],
  ];
}

function succeeds([command = '', ...args]: readonly string[], ids: RunAs['ids'] = undefined): boolean {
  return spawnSync(command, args, { stdio: 'ignore', cwd: '/', ...ids }).status === 0;
}

function ownerOf(path: string): RunAs['ids'] {
  const { uid, gid } = statSync(path);
  return uid === 0 ? undefined : { uid, gid };
}

function idsOf(user: string): RunAs['ids'] {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' }).trim());
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}
