import process from 'node:process';
import { ROOT } from '../launcher/paths.mjs';
import { runQuietly } from '../launcher/run.mjs';
import { checkContracts } from './contracts.mjs';

function command(name, program, ...args) {
  return { name, run: () => runQuietly(program, args, { cwd: ROOT }) };
}

/** What is true of the whole repository, besides the tests. */
export const checks = [
  command('format and lint', 'biome', 'check', '.'),
  command('import rules', 'depcruise', '--config', '.dependency-cruiser.mjs', 'libs', 'services'),
  command('unused code', 'knip'),
  command('types of the tests', 'tsc', '-p', 'tsconfig.test.json'),
];

/** What goes on for a minute beside the tests, at a priority so low that they take no longer for it. */
export const checksBesideTests = [
  command('fuzzing the protocol', 'nice', '-n', '19', process.execPath, 'libs/protocol/fuzz/run.ts', '60'),
];

/** What is true of the gRPC contracts, by themselves and beside the ones before them. */
export const contractChecks = [
  command('contracts: lint', 'buf', 'lint', 'proto'),
  { name: 'contracts: nothing broken', run: checkContracts },
];
