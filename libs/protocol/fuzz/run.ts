/**
 * Throws generated input at the library for a while: `node fuzz/run.ts [seconds] [target …]` after `pnpm build`. Ends
 * with an error, the smallest input found and the seed that leads to it, as soon as something breaks.
 */
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';
import { pduParsing } from './pdu-parsing.ts';
import { pushRules } from './push-rules.ts';

const TARGETS: ReadonlyMap<string, fc.IProperty<never>> = new Map(
  Object.entries({ pduParsing, canonicalJson, pushRules }).map(([name, property]) => [
    name,
    property as unknown as fc.IProperty<never>,
  ]),
);

const [seconds = '60', ...names] = process.argv.slice(2);
const chosen = names.length > 0 ? names : [...TARGETS.keys()];

for (const name of chosen) {
  const target = TARGETS.get(name);
  if (!target) throw new Error(`No fuzz target is called ${name}; there are ${[...TARGETS.keys()].join(', ')}`);
  const { failed, numRuns } = run(target, (Number(seconds) * 1000) / chosen.length);
  console.log(`${name}: ${numRuns} runs, ${failed ? 'failed' : 'nothing found'}`);
  if (failed) process.exitCode = 1;
}

function run(target: fc.IProperty<never>, milliseconds: number): fc.RunDetails<never> {
  const details = fc.check(target, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
    verbose: false,
  });
  if (details.failed) console.error(fc.defaultReportMessage(details));
  return details;
}
