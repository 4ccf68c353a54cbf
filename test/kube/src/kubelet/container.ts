import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly readOnly: boolean;
}

/** What a container is made of. */
export interface ContainerParts {
  /** For its root; a new one for each start. */
  readonly folder: string;
  readonly log: string;
  readonly network: string;
  readonly hostname: string;
  readonly root: string;
  readonly mounts: readonly Mount[];
  readonly files: Readonly<Record<string, string>>;
  readonly readOnlyRoot: boolean;
  readonly user: number;
  readonly group: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The container's own PATH says where its programs are, not where these are. */
const [IP, UNSHARE, SETPRIV, CHROOT] = ['ip', 'unshare', 'setpriv', 'chroot'].map((name) =>
  execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin; command -v ${name}`], { encoding: 'utf8' }).trim(),
) as [string, string, string, string];

const q = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Run as root in new namespaces: makes the container's root out of the image's and what is mounted, and goes into it. */
function entrance({ folder, hostname, root, mounts, files, readOnlyRoot, user, group, argv }: ContainerParts): string {
  const into = join(folder, 'root');
  const layers = `lowerdir=${root},upperdir=${folder}/upper,workdir=${folder}/work`;
  const mount = ({ from, to, readOnly }: Mount) => [
    `mkdir -p ${q(into + to)}`,
    `mount --bind ${q(from)} ${q(into + to)}`,
    ...(readOnly ? [`mount -o remount,bind,ro ${q(into + to)}`] : []),
  ];
  // What a container may keep of root's rights is what takes it into its root and to its user; then it has none.
  const rights = '--no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid';
  return [
    'set -e',
    'path_inside=$PATH',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'mount --make-rprivate /',
    `mount -t overlay overlay -o ${q(layers)} ${q(into)}`,
    `mkdir -p ${q(`${into}/proc`)} ${q(`${into}/dev`)} ${q(`${into}/etc`)}`,
    `mount -t proc proc ${q(`${into}/proc`)}`,
    `mount --rbind /dev ${q(`${into}/dev`)}`,
    ...Object.entries(files).map(([path, text]) => `rm -f ${q(into + path)}; printf %s ${q(text)} > ${q(into + path)}`),
    ...mounts.flatMap(mount),
    `hostname ${q(hostname)}`,
    ...(readOnlyRoot ? [`mount -o remount,bind,ro ${q(into)}`] : []),
    'cd /',
    'PATH=$path_inside',
    `exec ${SETPRIV} ${rights} ${CHROOT} --userspec=${user}:${group} --groups=${group} ${q(into)} ${argv.map(q).join(' ')}`,
  ].join('\n');
}

/** A container that runs. */
export class Container {
  readonly exited: Promise<unknown>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = once(child, 'exit');
  }

  static async start(parts: ContainerParts): Promise<Container> {
    for (const name of ['root', 'upper', 'work']) await mkdir(join(parts.folder, name), { recursive: true });
    const script = join(parts.folder, 'enter.sh');
    await writeFile(script, entrance(parts));
    const out = openSync(parts.log, 'a');
    const namespaces = [UNSHARE, '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child=KILL', '--'];
    const child = spawn(IP, ['netns', 'exec', parts.network, ...namespaces, '/bin/sh', script], {
      stdio: ['ignore', out, out],
      env: { ...parts.env },
    });
    return new Container(child);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** What it ended with; as a shell has it after a signal. */
  get exitCode(): number {
    return this.#child.exitCode ?? 137;
  }

  /** To the container's process 1: what made its namespaces only waits for it. */
  signal(signal: NodeJS.Signals): void {
    const children = readChildren(this.pid);
    for (const pid of children) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has just ended.
      }
    }
  }

  /** Asks it to end, and kills it when it has not after so long. */
  async stop(graceMs: number): Promise<void> {
    this.signal('SIGTERM');
    const hurry = setTimeout(() => {
      console.error(`${this.pid}: killed after its grace`);
      this.#child.kill('SIGKILL');
    }, graceMs);
    await this.exited;
    clearTimeout(hurry);
  }
}

function readChildren(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
