#!/usr/bin/env node
/**
 * What stands behind `npm start`, `npm test` and the rest: sees to it that the tools, the dependencies and the build are
 * there, then runs the command. Needs Node 20, npm, and nothing else. When everything is there it takes a few
 * milliseconds.
 */
import { join } from 'node:path';
import process from 'node:process';
import { withLock } from './launcher/lock.mjs';
import { ROOT, TOOLS } from './launcher/paths.mjs';
import { runInstead } from './launcher/run.mjs';
import { say, step } from './launcher/say.mjs';
import { ensureToolchain, nodePath, toolEnvironment } from './launcher/toolchain.mjs';
import { ensureBuild, ensureDependencies, turbo } from './launcher/workspace.mjs';

const GANGLION = 'services/all-in-one/bin/ganglion.mjs';

/** What each command runs, with the arguments that were given after it. */
const COMMANDS = {
  start: [GANGLION, 'start'],
  ganglion: [GANGLION],
  test: ['scripts/test.mjs'],
  bench: ['test/bench/src/main.ts'],
  cluster: ['test/cluster/src/main.ts'],
  kube: ['test/kube/src/main.ts'],
  image: ['scripts/image.mjs'],
  build: [],
};

async function main([command, ...args]) {
  const program = Object.hasOwn(COMMANDS, command ?? '') ? COMMANDS[command] : undefined;
  if (!program) throw new Error(`expected one of ${Object.keys(COMMANDS).join(', ')}, found ${command ?? 'nothing'}`);
  await withLock(
    join(TOOLS, 'setup.lock'),
    () => say('waiting for another command that sets things up'),
    async () => {
      await ensureToolchain();
      await ensureDependencies();
      await ensureBuild();
    },
  );
  if (command === 'build') return step('checking the code', () => turbo('lint'));
  const [script, ...given] = program;
  await runInstead(nodePath(), [join(ROOT, script), ...given, ...args], { env: toolEnvironment() });
}

main(process.argv.slice(2)).catch((error) => {
  say(error.message);
  process.exitCode = 1;
});
