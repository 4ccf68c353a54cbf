import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../../../../scripts/launcher/lock.mjs';
import { go } from './go.ts';

const KUBERNETES = 'v1.36.3';
const HELM = 'v3.20.2';
const SOURCES = fileURLToPath(new URL('../../control-plane', import.meta.url));
const FOLDER = fileURLToPath(new URL(`../../../../.tools/kube-${KUBERNETES}`, import.meta.url));
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubectl'];

/** Whose objects the chart makes beside Kubernetes' own: a Go module, its version, and where its definitions are. */
const DEFINITIONS = [
  ['github.com/prometheus-operator/prometheus-operator', 'v0.85.0', 'example/prometheus-operator-crd'],
  ['sigs.k8s.io/gateway-api', 'v1.6.0', 'config/crd/standard'],
  ['github.com/kedacore/keda/v2', 'v2.18.0', 'config/crd/bases'],
] as const;

/** What was built once and is kept among the repository's tools. */
export interface Built {
  /** A folder with etcd, kube-apiserver and the others, kubectl and helm. */
  readonly bin: string;
  /** A folder with CustomResourceDefinitions. */
  readonly definitions: string;
  /** Another helm than the one in `bin`. */
  readonly helm?: string;
}

/** The version of Kubernetes that is built, as `1.36.3`. */
const KUBERNETES_VERSION = KUBERNETES.slice(1);

/** The programs, when they were built before. */
export function builtBefore(): Built | undefined {
  return existsSync(FOLDER) ? { bin: join(FOLDER, 'bin'), definitions: join(FOLDER, 'definitions') } : undefined;
}

/**
 * Builds the control plane and helm from their sources, which takes Go, minutes, and 3 GB for Go's caches the first time.
 *
 * @throws Error that says what is missing
 */
export async function build(say: (what: string) => void): Promise<Built> {
  await withLock(
    `${FOLDER}.lock`,
    () => say('waiting for another build of the control plane'),
    async () => {
      if (builtBefore() !== undefined) return;
      const half = `${FOLDER}.${process.pid}`;
      try {
        await mkdir(join(half, 'bin'), { recursive: true });
        say(`building Kubernetes ${KUBERNETES} (once, some minutes)`);
        await buildControlPlane(join(half, 'bin'));
        say(`building helm ${HELM} (once)`);
        await buildHelm(join(half, 'bin'));
        await mkdir(join(half, 'definitions'));
        for (const definition of DEFINITIONS) await copyDefinitions(definition, join(half, 'definitions'));
        await rename(half, FOLDER);
      } finally {
        await rm(half, { recursive: true, force: true });
      }
    },
  );
  return builtBefore() as Built;
}

async function buildControlPlane(bin: string): Promise<void> {
  const [, minor] = KUBERNETES_VERSION.split('.');
  const stamp = { gitVersion: KUBERNETES, gitMajor: '1', gitMinor: minor, gitTreeState: 'clean', gitCommit: 'unknown' };
  const facts = Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  await go(['build', '-trimpath', '-ldflags', ['-s', '-w', ...facts].join(' '), '-o', join(bin, 'kubernetes'), '.'], {
    cwd: SOURCES,
  });
  for (const program of PROGRAMS) await symlink('kubernetes', join(bin, program));
}

async function buildHelm(bin: string): Promise<void> {
  const [major, minor] = KUBERNETES_VERSION.split('.');
  const stamp = [
    `-X helm.sh/helm/v3/internal/version.version=${HELM}`,
    `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=${major}`,
    `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${minor}`,
  ];
  const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...stamp].join(' ')];
  // In the same module, so that the libraries of Kubernetes are compiled once for both.
  await go(['build', ...flags, '-o', join(bin, 'helm'), 'helm.sh/helm/v3/cmd/helm'], { cwd: SOURCES });
}

async function copyDefinitions([module, version, folder]: (typeof DEFINITIONS)[number], to: string): Promise<void> {
  const { stdout } = await go(['mod', 'download', '-json', `${module}@${version}`], { cwd: tmpdir() });
  const from = join((JSON.parse(stdout) as { Dir: string }).Dir, folder);
  for (const file of await readdir(from)) {
    if (file.endsWith('.yaml') && !file.startsWith('kustomization')) await cp(join(from, file), join(to, file));
  }
}
