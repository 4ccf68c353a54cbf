import { SERVICE_NAMES, type ServiceName } from '@ganglion/config/services';
import { Argument, Command, Option } from 'commander';
import { VERSION } from '../version.js';
import type { CreateUserOptions } from './commands/create-user.js';
import type { SigningKeyOptions } from './commands/generate-signing-key.js';
import type { ConfigOption } from './config-file.js';
import type { CliContext, Work } from './context.js';

/** What the commands do is loaded when one of them runs, so that help and mistakes are answered at once. */
const commands = {
  config: () => import('./commands/config.js'),
  createUser: () => import('./commands/create-user.js'),
  generateSigningKey: () => import('./commands/generate-signing-key.js'),
  media: () => import('./commands/media.js'),
  migrate: () => import('./commands/migrate.js'),
  start: () => import('./commands/start.js'),
};

const EXIT_CODES = `
Exit codes:
  0  done
  1  it failed
  2  the command or the configuration is wrong
`;

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ganglion ${line}`).join('\n')}\n`;
}

function configOption(): Option {
  return new Option(
    '-c, --config <file>',
    'the configuration; by default GANGLION_CONFIG, ./ganglion.yaml or ./data/ganglion.yaml',
  );
}

/** The `ganglion` command, ready to parse its arguments. */
export function createProgram(context: CliContext, work: Work): Command {
  const program = new Command('ganglion')
    .description('Ganglion, a Matrix homeserver that scales by component.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) })
    .showSuggestionAfterError()
    .addHelpText('after', examples('start', 'create-user alice', 'config check') + EXIT_CODES);
  addStart(program, context, work);
  addCreateUser(program, context);
  addConfig(program, context);
  addGenerateSigningKey(program, context);
  addMigrate(program, context, work);
  addMedia(program, context, work);
  return program;
}

function addStart(program: Command, context: CliContext, work: Work): void {
  program
    .command('start')
    .summary('run the server, or some of its services')
    .description(
      'Runs the named services in this process, or all of them: then it also makes what is missing (a configuration, signing keys, the database schema).',
    )
    .addArgument(new Argument('[services...]', 'the services to run').choices(SERVICE_NAMES))
    .addOption(configOption())
    .addHelpText('after', examples('start', 'start room-server --config /etc/ganglion.yaml', 'start client-api sync'))
    .action(async (services: ServiceName[], options: ConfigOption) => {
      const { start } = await commands.start();
      await start(services, options, context, work);
    });
}

function addCreateUser(program: Command, context: CliContext): void {
  program
    .command('create-user')
    .summary('make an account on the running server')
    .description(
      'Makes an account on the running server, by the shared secret of the configuration. Asks for the password.',
    )
    .argument('<user>', 'alice, or @alice:example.org when there are several server names')
    .addOption(configOption())
    .option('-a, --admin', 'make an administrator')
    .option('-d, --display-name <name>', 'the name that others see')
    .option('-p, --password-file <file>', 'take the password from a file')
    .option('-u, --url <url>', 'where the server answers; by default where the configuration says that it listens')
    .addHelpText(
      'after',
      examples('create-user alice', 'create-user @bob:example.org --admin', 'create-user carol < password.txt'),
    )
    .action(async (user: string, options: CreateUserOptions) => {
      const { createUser } = await commands.createUser();
      await createUser(user, options, context);
    });
}

function addConfig(program: Command, context: CliContext): void {
  const config = program
    .command('config')
    .summary('check the configuration, or show what it can hold')
    .description('Checks the configuration, or shows what it can hold.');
  config
    .command('check')
    .description('Says whether the configuration can be used, and if not what is wrong where.')
    .addOption(configOption())
    .addHelpText('after', examples('config check', 'config check --config /etc/ganglion.yaml'))
    .action(async (options: ConfigOption) => (await commands.config()).checkConfig(options, context));
  config
    .command('example')
    .description('Prints a configuration that explains every setting.')
    .addHelpText('after', examples('config example > ganglion.yaml'))
    .action(async () => (await commands.config()).printConfigExample(context));
  config
    .command('schema')
    .description('Prints the JSON Schema of the configuration, for editors.')
    .addHelpText('after', examples('config schema > config.schema.json'))
    .action(async () => (await commands.config()).printConfigSchema(context));
}

function addGenerateSigningKey(program: Command, context: CliContext): void {
  program
    .command('generate-signing-key')
    .summary('make the keys that sign events')
    .description('Makes a signing key for each server name that has none. A key that exists is never touched.')
    .addOption(configOption())
    .option('--print', 'write a new key to the standard output instead')
    .addHelpText('after', examples('generate-signing-key', 'generate-signing-key --print > example.org.signing.key'))
    .action(async (options: SigningKeyOptions) => {
      const { generateSigningKeys } = await commands.generateSigningKey();
      await generateSigningKeys(options, context);
    });
}

function addMigrate(program: Command, context: CliContext, work: Work): void {
  program
    .command('migrate')
    .summary('bring the database up to date')
    .description(
      'Brings the schema of every service up to date. Before the services of a cluster start, one process does it.',
    )
    .addOption(configOption())
    .addHelpText('after', examples('migrate --config /etc/ganglion.yaml'))
    .action(async (options: ConfigOption) => (await commands.migrate()).migrate(options, context, work));
}

function addMedia(program: Command, context: CliContext, work: Work): void {
  const media = program
    .command('media')
    .summary('check the files of users, or move them')
    .description('Checks the files of users, or moves them to another store.');
  media
    .command('verify')
    .description(
      'Compares what the database knows of files with every byte in their store. The server may run meanwhile.',
    )
    .addOption(configOption())
    .addHelpText('after', examples('media verify --config /etc/ganglion.yaml'))
    .action(async (options: ConfigOption) => (await commands.media()).verifyMedia(options, context, work));
  media
    .command('move')
    .description(
      'Moves files from media.previous_store to where they are kept now. The server may run meanwhile, and has to know of both.',
    )
    .addOption(configOption())
    .addHelpText('after', examples('media move --config /etc/ganglion.yaml'))
    .action(async (options: ConfigOption) => (await commands.media()).moveMedia(options, context, work));
}
