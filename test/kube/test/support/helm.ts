import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { builtBefore } from '../../src/machine/build.ts';

const run = promisify(execFile);

/** Ignored by git; the repository's own tools, and those that `npm run kube` has built. */
const TOOLS = [
  fileURLToPath(new URL('../../../../.tools/bin', import.meta.url)),
  ...[builtBefore()?.bin].filter((folder) => folder !== undefined),
];

export const CHART = fileURLToPath(new URL('../../../../k8s/ganglion', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: each kind of object has a form of its own, which the API server knows
export type Loose = any;

/** As much of an object of Kubernetes as the tests look at by type. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: Loose;
  readonly data?: Record<string, string>;
}

/** The objects that one `helm template` makes. */
export interface Rendered {
  readonly objects: readonly KubeObject[];
  of(kind: string, name?: string): KubeObject[];
  /** @throws Error when there is none */
  one(kind: string, name?: string): KubeObject;
}

/** The helm of this machine: on PATH, or among the repository's own tools. */
export async function helmBinary(): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...TOOLS]) {
    const candidate = join(folder, 'helm');
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return candidate;
  }
  return undefined;
}

interface RenderOptions {
  readonly release?: string;
  /** The folder of another chart than ours. */
  readonly chart?: string;
  /** Another helm than `helmBinary`. */
  readonly helm?: string;
  /** The version of the Kubernetes that it is for. */
  readonly kubernetes?: string;
}

/**
 * What a chart makes of some values.
 *
 * @throws Error with helm's words when it refuses them
 */
export async function render(values: object = {}, options: RenderOptions = {}): Promise<Rendered> {
  const { release = 'ganglion', chart = CHART, helm, kubernetes = '1.33.0' } = options;
  const file = join(await mkdtemp(join(tmpdir(), 'ganglion-values-')), 'values.yaml');
  await writeFile(file, JSON.stringify(values));
  const args = ['template', release, chart, '--namespace', 'chat', '--values', file, '--kube-version', kubernetes];
  const { stdout } = await run(helm ?? (await helmBinary()) ?? 'helm', args, { maxBuffer: 64 * 1024 * 1024 });
  const objects = parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
  const of = (kind: string, name?: string) =>
    objects.filter((object) => object.kind === kind && (name === undefined || object.metadata.name === name));
  return {
    objects,
    of,
    one: (kind, name) => {
      const [object] = of(kind, name);
      if (object === undefined) throw new Error(`The chart made no ${kind} ${name ?? ''}`);
      return object;
    },
  };
}
