import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios/index.ts';

/** What `npm run kube` is to do. */
export interface Options {
  /** The names of scenarios to run, or `build`; all of them without it. */
  readonly only?: string;
  /** The folder of a built checkout of the release to upgrade from. */
  readonly last?: string;
  /** For how many seconds two releases stay side by side. */
  readonly pause: number;
  /** The OCI layout to run, instead of this checkout. */
  readonly image?: string;
  /** Which helm does it. */
  readonly helm: '3' | '4';
}

export const help = `npm run kube -- [options] [scenario …]

Installs the chart on a real Kubernetes whose pods are processes of this machine, and has people talk while things happen to
it. Nobody may lose a message, get one twice, or fail with what another try does not cure.

  build               only builds Kubernetes, helm and Prometheus, into .tools
  --last FOLDER       a built checkout of the release before; without it, this one stands for it
  --pause SECONDS     how long two releases stay side by side (20)
  --image FOLDER      runs the image that npm run image made, instead of this checkout
  --helm 3|4          which helm does it (3)

Scenarios, in their order:
${SCENARIOS.map(({ name, what }) => `  ${name.padEnd(18)}  ${what}\n`).join('')}`;

/** @returns undefined when somebody wants help */
export function parseOptions(args: string[]): (Options & { readonly names: readonly string[] }) | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      last: { type: 'string' },
      pause: { type: 'string', default: '20' },
      image: { type: 'string' },
      helm: { type: 'string', default: '3' },
    },
  });
  if (values.help) return undefined;
  const known = SCENARIOS.map(({ name }) => name);
  const wrong = positionals.find((name) => name !== 'build' && !known.includes(name));
  if (wrong !== undefined) throw new Error(`there is no scenario ${wrong}: there are ${known.join(', ')}`);
  const { helm } = values;
  if (helm !== '3' && helm !== '4') throw new Error(`there is helm 3 and helm 4, no ${helm}`);
  return {
    helm,
    names: positionals.length === 0 ? known : known.filter((name) => positionals.includes(name)),
    pause: Number(values.pause),
    ...(positionals.includes('build') && { only: 'build' }),
    ...(values.last !== undefined && { last: values.last }),
    ...(values.image !== undefined && { image: values.image }),
  };
}
