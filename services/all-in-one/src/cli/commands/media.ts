import type { Config } from '@ganglion/config';
import { joinDatabase } from '../../embedded-postgres.js';
import { type ConfigOption, loadCliConfig } from '../config-file.js';
import { type CliContext, CliError, type Work } from '../context.js';

/** Compares what the database knows of files with the bytes in their store. */
export async function verifyMedia(options: ConfigOption, context: CliContext, work: Work): Promise<void> {
  await withDatabase(options, context, async (config) => {
    let wrong = 0;
    const count = await work.verifyMedia(config, (line) => {
      wrong++;
      context.out(`${line}\n`);
    });
    context.out(`Looked at ${count} stored files and thumbnails.\n`);
    if (wrong > 0) throw new CliError(`${wrong} things are not as they should be.`);
    context.out('All of them are as they should be, and nothing else is stored.\n');
  });
}

/** Moves files from the previous store to the current one. */
export async function moveMedia(options: ConfigOption, context: CliContext, work: Work): Promise<void> {
  await withDatabase(options, context, async (config) => {
    const moved = await work.moveMedia(config);
    if (moved === undefined) {
      throw new CliError('The configuration names no media.previous_store: there is nowhere to move files from.', 2);
    }
    context.out(`Moved ${moved.files} stored files and thumbnails, ${moved.bytes} bytes.\n`);
    for (const key of moved.failed) context.err(`${key} is missing or damaged in both places\n`);
    if (moved.failed.length > 0) throw new CliError(`${moved.failed.length} could not be moved.`);
    context.out('Everything is in the current store: media.previous_store can be taken out of the configuration.\n');
  });
}

async function withDatabase(options: ConfigOption, context: CliContext, run: (config: Config) => Promise<void>) {
  const database = await joinDatabase(loadCliConfig(options, context).config);
  try {
    await run(database.config);
  } finally {
    await database.close();
  }
}
