import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { MODULES, ROOT, TOOL_MODULES, TOOLS } from './paths.mjs';
import { runQuietly } from './run.mjs';
import { step } from './say.mjs';

/** The Node that Ganglion runs on; the launcher itself makes do with 20. */
const NODE_VERSION = '26.10.0';

/** Whether a Node of this version can run Ganglion. */
export function isNewEnough(version) {
  return Number.parseInt(version, 10) >= Number.parseInt(NODE_VERSION, 10);
}

const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;
const BROUGHT_NODE = join(TOOL_MODULES, NODE_PACKAGE, 'bin/node');

/** The Node to run things with. */
export function nodePath() {
  return isNewEnough(process.versions.node) ? process.execPath : BROUGHT_NODE;
}

/** The environment in which `node`, `pnpm` and the tools of the repository are the right ones. */
export function toolEnvironment(env = process.env) {
  const path = [dirname(nodePath()), join(TOOL_MODULES, '.bin'), join(MODULES, '.bin'), env.PATH];
  return { ...env, PATH: path.join(delimiter), DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1' };
}

/** Brings Node and pnpm into .tools, if they are not there yet. */
export async function ensureToolchain() {
  const missing = wantedPackages().filter(({ name, version }) => installedVersion(name) !== version);
  if (missing.length === 0) return;
  const specs = wantedPackages().map(({ name, version }) => `${name}@${version}`);
  await step(`fetching ${specs.join(' and ')} into .tools (once)`, () =>
    runQuietly('npm', ['install', '--prefix', TOOLS, '--no-audit', '--no-fund', '--ignore-scripts=false', ...specs], {
      cwd: ROOT,
    }),
  );
  if (!existsSync(nodePath())) throw new Error(`npm brought no Node for ${process.platform} on ${process.arch}.`);
}

function wantedPackages() {
  const { devEngines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const pnpm = { name: 'pnpm', version: devEngines.packageManager.version };
  return isNewEnough(process.versions.node) ? [pnpm] : [{ name: NODE_PACKAGE, version: NODE_VERSION }, pnpm];
}

function installedVersion(name) {
  try {
    return JSON.parse(readFileSync(join(TOOL_MODULES, name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}
