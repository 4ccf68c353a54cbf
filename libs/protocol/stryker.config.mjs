/**
 * Mutation testing of one folder of the rules: `FOLDER=auth pnpm mutants` or `FOLDER=state pnpm mutants`. Only that
 * folder's tests run, without those that try random input: what survives is what no written case shows.
 */
const folder = process.env.FOLDER ?? 'auth';
const hooks = new URL('../testing/src/typescript-hooks.ts', import.meta.url).href;

export default {
  mutate: [`src/${folder}/*.ts`, `!src/${folder}/index.ts`],
  plugins: ['@stryker-mutator/mocha-runner'],
  testRunner: 'mocha',
  testRunnerNodeArgs: ['--import', hooks],
  mochaOptions: {
    spec: [`test/${folder}/**/*.test.ts`],
    ignore: ['test/**/any-input.test.ts', 'test/**/properties.test.ts'],
    require: ['./test/support/mocha.ts'],
  },
  coverageAnalysis: 'perTest',
  ignorePatterns: ['dist', 'bench', 'fuzz', 'reports'],
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutants-${folder}.json` },
  concurrency: Number(process.env.CONCURRENCY ?? 1),
  timeoutMS: 20_000,
  // There is no compiler to ask in TypeScript 7, and nothing to rewrite for it.
  tsconfigFile: 'none',
  disableTypeChecks: false,
};
