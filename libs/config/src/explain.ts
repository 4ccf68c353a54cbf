import type { z } from 'zod';
import { schemaAt } from './json-schema.js';
import { valueAt } from './merge.js';
import type { ConfigPath } from './problems.js';
import { isSecret } from './secrets.js';
import { CALLED_SERVICES, SERVICE_NAMES, type ServiceName } from './services.js';
import { suggestion } from './suggestion.js';

/** What is wrong at one place, in words. */
export interface Finding {
  readonly path: ConfigPath;
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/** Says what each issue of the schema means for whoever wrote `input`. */
export function explainIssues(issues: readonly Issue[], input: unknown): Finding[] {
  return issues.flatMap((issue) => {
    const path = issue.path as (string | number)[];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => explainUnknownKey(path, key));
    return [{ path, message: explainValue(issue, path, valueAt(input, path)) }];
  });
}

/** What looks as if it belonged there, and would do nothing. */
const NEEDLESS: ReadonlyMap<string, string> = new Map(
  SERVICE_NAMES.filter((name) => !(CALLED_SERVICES as readonly ServiceName[]).includes(name)).map((name) => [
    `rpc.endpoints.${name}`,
    `no service asks ${name} for anything, so none has to know where it is: leave it out`,
  ]),
);

function explainUnknownKey(parent: ConfigPath, key: string): Finding {
  const needless = NEEDLESS.get([...parent, key].join('.'));
  if (needless !== undefined) return { path: [...parent, key], message: needless };
  const known = Object.keys(schemaAt(parent)?.properties ?? {});
  const hint = suggestion(key, known) || `. Known here: ${known.join(', ')}`;
  return { path: [...parent, key], message: `unknown key${hint}` };
}

function explainValue(issue: Issue, path: ConfigPath, value: unknown): string {
  if (issue.code === 'custom' && issue.params?.contradiction) return issue.message;
  const wanted = expected(issue);
  if (value === undefined) return `missing, expected ${wanted}`;
  const near = issue.code === 'invalid_value' ? suggestion(String(value), issue.values.map(String)) : '';
  return `found ${found(value, path)}, expected ${wanted}${near}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
};

function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.join(', ')}`;
    case 'too_small':
      return bound(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`);
    case 'too_big':
      return bound(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`);
    default:
      return issue.message;
  }
}

function bound(origin: string, limit: string): string {
  if (origin === 'string') return `${limit} characters`;
  if (origin === 'array') return `${limit} in the list`;
  return limit;
}

/** The value as the reader wrote it, unless it is long or a secret. */
function found(value: unknown, path: ConfigPath): string {
  if (isSecret(path)) return 'something else';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
