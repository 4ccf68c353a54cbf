import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CONFIG_FILE_VARIABLE, type Config, ConfigError, developmentConfigText, loadConfig } from '@ganglion/config';
import { type CliContext, CliError } from './context.js';

export interface ConfigOption {
  readonly config?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file; undefined when all comes from the environment. */
  readonly path: string | undefined;
}

/** The file that the first start makes. */
const FIRST_START = 'data/ganglion.yaml';

/**
 * Loads the file that --config names, else GANGLION_CONFIG, else ./ganglion.yaml, else ./data/ganglion.yaml; without any
 * of them, the environment alone if it names a server.
 *
 * @throws CliError when there is no configuration, or none that can be used
 */
export function loadCliConfig(options: ConfigOption, context: CliContext): LoadedConfig {
  const path = findConfig(options, context);
  if (path === undefined && !isEnvironmentEnough(context)) {
    throw new CliError(
      `There is no configuration: no ganglion.yaml and no ${FIRST_START} here. Give one by --config.`,
      2,
    );
  }
  try {
    return { path, config: loadConfig({ env: context.env, ...(path === undefined ? {} : { path }) }) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError(`The configuration cannot be used:\n${error.message}`, 2);
  }
}

/** Makes the folder and the configuration of a first start, if there is no configuration at all. */
export function ensureConfig(options: ConfigOption, context: CliContext): void {
  if (findConfig(options, context) !== undefined || isEnvironmentEnough(context)) return;
  const path = join(context.cwd, FIRST_START);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, developmentConfigText(randomBytes(32).toString('base64url')), { mode: 0o600, flag: 'wx' });
  context.out(`Made ${path}, a configuration to begin with.\n`);
}

function findConfig({ config }: ConfigOption, { env, cwd }: CliContext): string | undefined {
  const named = config ?? env[CONFIG_FILE_VARIABLE];
  if (named !== undefined) return resolve(cwd, named);
  return ['ganglion.yaml', FIRST_START].map((name) => join(cwd, name)).find((path) => existsSync(path));
}

function isEnvironmentEnough({ env }: CliContext): boolean {
  return env.GANGLION_SERVER_NAMES !== undefined || env.GANGLION_SERVER_NAMES__0__NAME !== undefined;
}
