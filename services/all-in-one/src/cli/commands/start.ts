import { type Config, SERVICE_NAMES, type ServiceName } from '@ganglion/config';
import { openDatabase } from '../../embedded-postgres.js';
import { makeMissingSigningKeys } from '../../signing-key-file.js';
import { type ConfigOption, ensureConfig, type LoadedConfig, loadCliConfig } from '../config-file.js';
import type { CliContext, RunningServices, Work } from '../context.js';
import { introduce } from '../introduction.js';

/** Runs services until the process is told to stop; without names all of them, set up as far as they need it. */
export async function start(
  services: readonly ServiceName[],
  options: ConfigOption,
  context: CliContext,
  work: Work,
): Promise<void> {
  const stopped = context.untilStopped();
  const isWhole = services.length === 0;
  if (isWhole) ensureConfig(options, context);
  const loaded = loadCliConfig(options, context);
  work.prepare();
  const database = await openDatabase(loaded.config);
  try {
    if (isWhole) await setUp(database.config, context, work);
    const running = await work.startServices(database.config, isWhole ? SERVICE_NAMES : services);
    await runUntil(stopped, running, loaded, context);
  } finally {
    await database.close();
  }
}

/** A process that has everything in it needs nobody to prepare it; in a cluster, `migrate` and the keys come first. */
async function setUp(config: Config, context: CliContext, work: Work): Promise<void> {
  for (const { name, signing_key_path } of await makeMissingSigningKeys(config.server_names)) {
    context.out(`Made a signing key for ${name}: ${signing_key_path}\n`);
  }
  await work.migrateAll(config);
}

async function runUntil(
  stopped: Promise<void>,
  running: RunningServices,
  loaded: LoadedConfig,
  context: CliContext,
): Promise<void> {
  const isForPeople = loaded.config.telemetry.log.format === 'text';
  if (isForPeople) context.out(introduce(running.listening, loaded, context.cwd));
  await stopped;
  if (isForPeople) context.out('Stopping: finishing what is under way.\n');
  await running.stop();
  if (isForPeople) context.out('Stopped.\n');
}
