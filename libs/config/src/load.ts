import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Environment, type Override, readEnvironment } from './environment.js';
import { explainIssues, type Finding } from './explain.js';
import { merge, withValueAt } from './merge.js';
import { ConfigError, type ConfigPath, type ConfigProblem, formatPath } from './problems.js';
import { complete, resolvePaths } from './resolve.js';
import { type Config, configSchema } from './schema.js';
import { readSecrets } from './secrets.js';
import { emptySource, parseSource, type Source } from './source.js';

/** Every part of `T` may be left out, at any depth; lists are given whole. */
type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

export interface LoadOptions {
  /** The YAML file; without it, everything comes from `env`, `overrides` and the defaults. */
  readonly path?: string;
  /** Where `GANGLION_…` settings are looked up. */
  readonly env?: Environment;
  /** Settings that win over both, such as those of the command line or of a test. */
  readonly overrides?: DeepPartial<Config>;
}

/**
 * Loads the configuration: the file, under the environment's settings, under the overrides.
 *
 * @throws ConfigError with every problem that was found, each with its place
 */
export function loadConfig({ path, env = {}, overrides = {} }: LoadOptions): Config {
  const source = path === undefined ? emptySource : parseSource(readConfigFile(path), path);
  return assemble(source, path === undefined ? process.cwd() : dirname(resolve(path)), env, overrides);
}

/** The same for YAML that is not in a file; relative paths are seen from `base`. */
export function parseConfig(text: string, base: string, overrides: DeepPartial<Config> = {}): Config {
  return assemble(parseSource(text, '(text)'), base, {}, overrides);
}

function assemble(source: Source, base: string, env: Environment, overrides: object): Config {
  const environment = readEnvironment(env);
  if (environment.problems.length > 0) throw new ConfigError(environment.problems);
  const place = (findings: readonly Finding[]) => placeFindings(findings, source, environment.overrides);

  const settings = environment.overrides.reduce(
    (value, o) => withValueAt(value, o.path, o.value),
    source.value as unknown,
  );
  const { value, findings } = readSecrets(resolvePaths(merge(settings, overrides), base));
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) throw new ConfigError(place([...findings, ...explainIssues(parsed.error.issues, value)]));
  if (findings.length > 0) throw new ConfigError(place(findings));
  return complete(resolvePaths(parsed.data, base) as typeof parsed.data);
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([{ source: path, path: '', message: `cannot be read: ${(error as Error).message}` }]);
  }
}

/** Puts each finding where it was written: in an environment variable or in a line of the file. */
function placeFindings(findings: readonly Finding[], source: Source, overrides: readonly Override[]): ConfigProblem[] {
  const problems = findings.map(({ path, message }): ConfigProblem => {
    const written = { path: formatPath(path), message };
    const override = overrides.findLast((o) => isWithin(path, o.path));
    if (override) return { source: `environment variable ${override.variable}`, ...written };
    if (source === emptySource) return { source: source.file, ...written };
    return { source: source.file, ...source.locate(path), ...written };
  });
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function isWithin(path: ConfigPath, outer: ConfigPath): boolean {
  return outer.every((key, i) => path[i] === key);
}
