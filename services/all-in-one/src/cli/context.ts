import type { Config, ServiceName } from '@ganglion/config';

/** A running server, or the part of it that runs in this process. */
export interface RunningServices {
  /** The URLs it answers at. */
  readonly listening: readonly string[];
  /** Answers what is under way, then ends. */
  stop(): Promise<void>;
}

/** What `ganglion media move` has moved, and the keys of what it could not. */
export interface MovedMedia {
  readonly files: number;
  readonly bytes: number;
  readonly failed: readonly string[];
}

/** What the commands have done for them; the composition of the services, or a test's own. */
export interface Work {
  /** Begins to load the services, so that they are there when the database is. */
  prepare(): void;
  startServices(config: Config, services: readonly ServiceName[]): Promise<RunningServices>;
  migrateAll(config: Config): Promise<void>;
  /** Compares files with what is known of them: says in a line what is wrong, and returns how many it has looked at. */
  verifyMedia(config: Config, report: (line: string) => void): Promise<number>;
  /** Moves files from where they were; undefined when the configuration says of no such place. */
  moveMedia(config: Config): Promise<MovedMedia | undefined>;
}

/** The process around a command. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
  /** Asks without showing the answer on a terminal; elsewhere takes the next line of the standard input. */
  askSecret(question: string): Promise<string>;
  /** Resolves when the process is told to stop; a second time ends it at once. */
  untilStopped(): Promise<void>;
}

/** Something that whoever called can put right: said without a stack, and ends with `exitCode`. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}
