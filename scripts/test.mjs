/**
 * Runs every check and every test, and ends with `N passed, N failed`.
 *
 *   npm test                       everything
 *   npm test -- libs/bus -t order  the tests under a path; what jest understands goes to jest
 *   npm test -- --ci               everything, whether the gRPC contracts still fit the last commit's, and a minute of fuzzing
 */
import process from 'node:process';
import { checks, checksBesideTests, contractChecks } from './test-run/checks.mjs';
import { prepare } from './test-run/environment.mjs';
import { runJest } from './test-run/jest.mjs';
import { Tally } from './test-run/tally.mjs';

async function main(args) {
  const ci = args.includes('--ci');
  const selection = args.filter((arg) => arg !== '--ci');
  const tally = new Tally();
  const wanted = [...(selection.length === 0 ? checks : []), ...(ci ? contractChecks : [])];
  for (const { name, run } of wanted) await tally.check(name, run);
  const beside = ci ? checksBesideTests.map(({ name, run }) => tally.check(name, run)) : [];

  let environment;
  const ready = await tally.check('PostgreSQL and NATS for the tests', async () => {
    environment = await prepare();
  });
  try {
    if (ready) await runJest(selection, environment.env, tally);
  } finally {
    await environment?.stop();
  }
  await Promise.all(beside);
  console.log(`\n${tally.failures()}${tally.summary()}`);
  return tally.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
