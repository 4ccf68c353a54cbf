/**
 * Mutation testing of one folder of the rules: `FOLDER=auth pnpm mutants` or `FOLDER=state pnpm mutants`. Only that
 * folder's tests run, without those that try random input: what survives is what no written case shows.
 */
import jestConfig from '../../jest.config.mjs';

const folder = process.env.FOLDER ?? 'auth';

export default {
  mutate: [`src/${folder}/*.ts`, `!src/${folder}/index.ts`],
  plugins: ['@stryker-mutator/jest-runner'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  coverageAnalysis: 'perTest',
  jest: {
    projectType: 'custom',
    enableFindRelatedTests: false,
    config: {
      ...jestConfig,
      testMatch: [`**/test/${folder}/*.test.ts`],
      testPathIgnorePatterns: ['/node_modules/', '/any-input.test.ts$', '/properties.test.ts$'],
      modulePathIgnorePatterns: ['/dist/'],
    },
  },
  ignorePatterns: ['dist', 'bench', 'fuzz', 'reports'],
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutants-${folder}.json` },
  concurrency: Number(process.env.CONCURRENCY ?? 1),
  timeoutMS: 20_000,
  // A runner's memory grows with every run of its ESM modules.
  maxTestRunnerReuse: 100,
  // There is no compiler to ask in TypeScript 7, and nothing to rewrite for it.
  tsconfigFile: 'none',
  disableTypeChecks: false,
};
