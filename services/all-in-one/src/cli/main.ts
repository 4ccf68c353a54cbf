import { migrateAll, startServices } from '../composition/index.js';
import { processContext } from './process-context.js';
import { runCli } from './run.js';

process.exitCode = await runCli(process.argv.slice(2), processContext, { migrateAll, startServices });
