import type { Work } from './context.js';
import { processContext } from './process-context.js';
import { runCli } from './run.js';

/** The services are loaded by the commands that run them; the others answer at once. */
const loadServices = () => import('../composition/index.js');

const work: Work = {
  prepare: () => void loadServices().catch(() => {}),
  startServices: async (config, services) => (await loadServices()).startServices(config, services),
  migrateAll: async (config) => (await loadServices()).migrateAll(config),
  verifyMedia: async (config, report) => (await loadServices()).verifyMediaOf(config, report),
  moveMedia: async (config) => (await loadServices()).moveMediaOf(config),
};

process.exitCode = await runCli(process.argv.slice(2), processContext, work);
