import { parseArgs } from 'node:util';
import { measureIds } from './measure/ids.ts';
import type { Plan, Target } from './types.ts';

export interface Options {
  help: boolean;
  targets: Target[];
  plan: Plan;
  only: string[];
  json?: string;
  html?: string;
}

/** The command line cannot be understood; the message says what is expected. */
export class UsageError extends Error {}

const spec = {
  help: { type: 'boolean', short: 'h' },
  target: { type: 'string', default: 'http://127.0.0.1:8008' },
  compare: { type: 'string' },
  name: { type: 'string' },
  'name-b': { type: 'string' },
  'shared-secret': { type: 'string' },
  'shared-secret-b': { type: 'string' },
  pid: { type: 'string', multiple: true },
  'pid-a': { type: 'string', multiple: true },
  'pid-b': { type: 'string', multiple: true },
  'idle-pid': { type: 'string', multiple: true },
  pace: { type: 'string' },
  'room-version': { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  json: { type: 'string' },
  html: { type: 'string' },
} as const;

export const fullPlan: Plan = {
  rounds: 3,
  seconds: 5,
  villagers: 20,
  villageRooms: 20,
  villageMessages: 40,
  fewRooms: 5,
  manyRooms: 500,
  throng: 1_000,
  plots: 64,
  deliveries: 30,
  readers: 19,
  joinRooms: 5,
  claims: 10_000,
  keyOwners: 1_000,
  smallFile: 10_000,
  largeFile: 100_000_000,
  filesAtOnce: 64,
  pace: 500,
  warmUp: 1,
  settle: 500,
  interval: 400,
  patience: 10_000,
  calm: 5000,
};
const quick = {
  rounds: 1,
  seconds: 2,
  villageMessages: 30,
  manyRooms: 100,
  throng: 100,
  plots: 32,
  deliveries: 10,
  joinRooms: 2,
  claims: 4_000,
  keyOwners: 100,
  largeFile: 10_000_000,
};

/**
 * Reads the command line of the benchmark.
 *
 * @throws UsageError when an option is unknown or its value makes no sense
 */
export function parseOptions(args: readonly string[]): Options {
  const values = parse(args);
  const plan: Plan = {
    ...(values.quick ? { ...fullPlan, ...quick } : fullPlan),
    ...positive('rounds', values.rounds),
    ...positive('seconds', values.seconds),
    ...positive('pace', values.pace),
  };
  return {
    help: values.help ?? false,
    targets: targetsOf(values),
    plan,
    only: measuresIn(values.only ?? []),
    ...(values.json && { json: values.json }),
    ...(values.html && { html: values.html }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: spec, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function targetsOf(values: ReturnType<typeof parse>): Target[] {
  const common = values['room-version'] ? { roomVersion: values['room-version'] } : {};
  const secret = values['shared-secret'];
  const first: Target = {
    ...common,
    name: values.name ?? '',
    url: checkedUrl('target', values.target),
    pids: [...pidsIn('pid', values.pid), ...pidsIn('pid-a', values['pid-a'])],
    idlePids: pidsIn('idle-pid', values['idle-pid']),
    ...(secret && { sharedSecret: secret }),
  };
  if (!values.compare) return [first];
  const secretB = values['shared-secret-b'] ?? secret;
  const second: Target = {
    ...common,
    name: values['name-b'] ?? '',
    url: checkedUrl('compare', values.compare),
    pids: pidsIn('pid-b', values['pid-b']),
    idlePids: [],
    ...(secretB && { sharedSecret: secretB }),
  };
  return [first, second];
}

function checkedUrl(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError(`--${option} wants an http or https URL, not "${text}"`);
  }
  return url.href.replace(/\/$/, '');
}

function pidsIn(option: string, lists: readonly string[] = []): number[] {
  return listIn(lists).map((text) => {
    if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`--${option} wants process ids with commas, not "${text}"`);
    return Number(text);
  });
}

function positive<K extends string>(option: K, text: string | undefined): Partial<Record<K, number>> {
  if (text === undefined) return {};
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`--${option} wants a positive number`);
  return { [option]: option === 'seconds' ? value : Math.ceil(value) } as Record<K, number>;
}

/** A name stands for itself and for every measurement it begins: "sync" is all three kinds of sync. */
function measuresIn(lists: readonly string[]): string[] {
  return listIn(lists).flatMap((name) => {
    const found = measureIds.filter((id) => id === name || id.startsWith(`${name}-`));
    if (found.length === 0) throw new UsageError(`--only knows ${measureIds.join(', ')}; not "${name}"`);
    return found;
  });
}

function listIn(lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(',')).filter((part) => part !== '');
}
