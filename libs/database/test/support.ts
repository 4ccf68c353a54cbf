import { createLogger, type Logger, Metrics } from '@ganglion/telemetry';
import { type TestDatabase, testDatabase } from '../../testing/src/postgres.js';
import { Database, type DatabaseOptions } from '../src/index.js';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps its lines. */
export function recordingLogger(): { logger: Logger; lines: LogLine[]; text: () => string } {
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { logger: createLogger({ level: 'debug', destination }), lines, text: () => JSON.stringify(lines) };
}

/** A fresh database with any number of pools on it, all cleaned up together. */
export class Fixture {
  readonly log = recordingLogger();
  readonly metrics = new Metrics();
  readonly #open: Database[] = [];
  readonly #database: TestDatabase;

  private constructor(database: TestDatabase) {
    this.#database = database;
  }

  static async create(): Promise<Fixture> {
    return new Fixture(await testDatabase());
  }

  get url(): string {
    return this.#database.url;
  }

  async connect(options: Partial<DatabaseOptions> = {}): Promise<Database> {
    const db = await Database.connect({
      url: this.url,
      max: 5,
      applicationName: 'test',
      slowStatementMs: 10_000,
      logger: this.log.logger,
      metrics: this.metrics,
      ...options,
    });
    this.#open.push(db);
    return db;
  }

  async end(): Promise<void> {
    await Promise.all(this.#open.map((db) => db.close()));
    await this.#database.drop();
  }
}
