/** Where in the configuration something is: keys of mappings and indices of lists. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** The file, or the environment variable, that it is in. */
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
  /** Such as `http.listeners[0].port`; empty when the file as a whole is wrong. */
  readonly path: string;
  /** What was found and what is expected. */
  readonly message: string;
}

/** A configuration that cannot be used. Its message has one line for each problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
  }
}

/** `http.listeners[0].port` */
export function formatPath(path: ConfigPath): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

function formatProblem({ source, line, column, path, message }: ConfigProblem): string {
  const place = line === undefined ? source : `${source}:${line}:${column ?? 1}`;
  return [place, path, message].filter((part) => part !== '').join(': ');
}
