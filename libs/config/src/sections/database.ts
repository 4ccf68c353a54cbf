import { z } from 'zod';
import { contradiction, count, milliseconds, path, port, postgresUrl, timeout } from '../values.js';

export const database = z
  .strictObject({
    url: postgresUrl.exactOptional().meta({
      description: 'An existing PostgreSQL. Give one of url, url_file and embedded; with none, embedded is used.',
      examples: ['postgresql://ganglion@127.0.0.1:5432/ganglion'],
    }),
    url_file: path.exactOptional().meta({
      description: 'File that holds the URL, to keep the password out of this one.',
      examples: ['/run/secrets/database_url'],
    }),
    embedded: z
      .strictObject({
        port: port
          .exactOptional()
          .meta({ description: 'Port on 127.0.0.1; by default only a Unix socket in its data_dir.', examples: [5433] }),
        data_dir: path.exactOptional().meta({
          description: 'Its files. By default <data_dir>/postgres.',
          examples: ['data/postgres'],
        }),
      })
      .exactOptional()
      .meta({ description: 'A PostgreSQL that Ganglion brings and runs itself.' }),
    read_urls: z
      .array(postgresUrl)
      .min(1)
      .exactOptional()
      .meta({
        description:
          'Read replicas of that PostgreSQL: what may be read from one is, while it answers and is not behind.',
        examples: [['postgresql://ganglion@127.0.0.1:5434/ganglion']],
      }),
    read_urls_file: path.exactOptional().meta({
      description: 'File that holds these URLs instead, one a line.',
      examples: ['/run/secrets/database_read_urls'],
    }),
    read_max_lag_ms: z
      .int()
      .min(1_000)
      .default(10_000)
      .describe('A replica that is further behind is not read from until it has caught up.'),
    pool_size: count.default(20).describe('Connections that each process opens at most, to each PostgreSQL.'),
    slow_statement_ms: milliseconds.default(500).describe('A statement that takes longer is logged.'),
    statement_timeout_ms: timeout
      .default(30_000)
      .describe(
        'A statement that takes longer is given up; 0 leaves it to PostgreSQL. Migrations take as long as they take.',
      ),
    lock_timeout_ms: timeout
      .default(5_000)
      .describe('A statement that waits longer for a lock is given up; 0 leaves it to PostgreSQL.'),
  })
  .superRefine(({ url, embedded, read_urls }, { addIssue }) => {
    if (url !== undefined && embedded !== undefined) {
      addIssue(contradiction('give either url (or url_file) or embedded, not both', 'embedded'));
    }
    if (url === undefined && read_urls !== undefined) {
      addIssue(contradiction('needs url (or url_file): the embedded PostgreSQL has no replicas', 'read_urls'));
    }
  })
  .prefault({})
  .describe('Where everything is kept.');
