/** `npm run kube`: the chart on a real Kubernetes, whose pods are processes of this machine, while people talk. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from './machine/build.ts';
import { buildProgram, HELM_4, PROMETHEUS } from './machine/build-program.ts';
import { whatIsMissing } from './machine/missing.ts';
import { help, parseOptions } from './options.ts';

const INSIDE = fileURLToPath(new URL('./inside.ts', import.meta.url));
const say = (what: string) => void process.stderr.write(`${what}\n`);

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const built = { ...(await build(say)), prometheus: await buildProgram(PROMETHEUS, say) };
  const everything = options.only === 'build';
  const helm = everything || options.helm === '4' ? await buildProgram(HELM_4, say) : undefined;
  if (everything) return 0;
  const missing = whatIsMissing();
  if (missing.length > 0) throw new Error(`a cluster of processes needs\n  ${missing.join('\n  ')}`);
  return inNamespaces([
    INSIDE,
    JSON.stringify({ ...options, built: { ...built, ...(helm !== undefined && { helm }) } }),
  ]);
}

/** Nothing of what is done in there is seen outside, and nothing is left of it when it ends, however it does. */
async function inNamespaces(argv: readonly string[]): Promise<number> {
  await mkdir('/run/netns', { recursive: true });
  const kinds = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'];
  const child = spawn('unshare', [...kinds, '--', process.execPath, ...argv], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGKILL'));
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  say(error.message);
  return 1;
});
