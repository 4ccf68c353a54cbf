import { readFileSync } from 'node:fs';
import { Database, migrate, type SchemaDefinition } from '@ganglion/database';
import { SCHEMAS } from '../../src/composition/migrate.js';

/** What the earlier release told one user of a room. */
export interface RoomAnswer {
  readonly section: string;
  readonly timeline?: readonly string[];
  readonly state?: readonly string[];
  readonly summary?: object;
  readonly unread?: object;
  readonly ephemeral?: readonly object[];
  readonly stripped?: readonly object[];
}

export interface UserAnswers {
  /** The token of a client that has seen everything. */
  readonly since: string;
  readonly rooms: Readonly<Record<string, RoomAnswer>>;
  /** Of /messages and /members, by the name of a room and what was asked: ids of events, or the errcode. */
  readonly pages: Readonly<Record<string, readonly string[] | string>>;
}

interface Line {
  readonly nids?: number;
  readonly answers?: Readonly<Record<string, UserAnswers>>;
  readonly rooms?: Readonly<Record<string, string>>;
  readonly shown?: Readonly<Record<string, object>>;
  readonly table?: string;
  readonly row?: object;
}

/**
 * Rooms and read model of a server as its second schema versions had them, and what it answered: made by that release, from
 * four people who talk, leave, come back, redact, and are banned.
 */
export class EarlierRelease {
  readonly #lines: readonly Line[];

  constructor() {
    const text = readFileSync(new URL('../fixtures/version-2.ndjson', import.meta.url), 'utf8');
    this.#lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }

  get answers(): Readonly<Record<string, UserAnswers>> {
    return this.#find('answers');
  }

  /** Room ids by the names that the answers use. */
  get rooms(): Readonly<Record<string, string>> {
    return this.#find('rooms');
  }

  /** Events with what they show of others, as the first of the people got them. */
  get shown(): Readonly<Record<string, object>> {
    return this.#find('shown');
  }

  /** Makes a database as that release left it. */
  async restore(url: string): Promise<void> {
    const db = await Database.connect({ url, max: 1, applicationName: 'restore', slowStatementMs: 60_000 });
    for (const schema of SCHEMAS.filter(({ schema }) => ['room_server', 'sync'].includes(schema)))
      await migrate(db, asOfVersion2(schema));
    await db.query({ text: 'DELETE FROM sync.appender' });
    for (const { table, row } of this.#lines) {
      if (table === undefined) continue;
      const text = `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::${table}, $1)`;
      await db.query({ text, values: [JSON.stringify(row)] });
    }
    await db.query({ text: `SELECT setval('room_server.nids', $1)`, values: [this.#find('nids')] });
    await db.close();
  }

  #find<K extends keyof Line>(key: K): NonNullable<Line[K]> {
    const line = this.#lines.find((candidate) => candidate[key] !== undefined);
    return line![key]!;
  }
}

function asOfVersion2(definition: SchemaDefinition): SchemaDefinition {
  return { ...definition, version: 2, oldestCompatible: 1, migrations: definition.migrations.slice(0, 2) };
}
