import { z } from 'zod';
import {
  addressRange,
  count,
  hostPort,
  httpUrl,
  milliseconds,
  natsUrl,
  path,
  port,
  postgresUrl,
  rateLimit,
  rpcEndpoint,
  serverName,
  timeout,
} from './values.js';

const caFile = path.meta({
  description: 'Certificate authority that signed the certificates of the other side.',
  examples: ['tls/ca.pem'],
});
const certFile = path.meta({ description: 'Our certificate, with its chain.', examples: ['tls/ganglion.pem'] });
const keyFile = path.meta({ description: 'Private key of our certificate.', examples: ['tls/ganglion.key'] });

export const serverNameSection = z.strictObject({
  name: serverName.meta({
    description: 'What follows the colon in user ids. It can never be changed once users exist.',
    examples: ['example.org'],
  }),
  signing_key_path: path.exactOptional().meta({
    description:
      'File with the Ed25519 key that signs events, one line: ed25519 <version> <unpadded base64 seed>. Made by `ganglion generate-signing-key`. By default <data_dir>/keys/<name>.signing.key.',
    examples: ['keys/example.org.signing.key'],
  }),
  client_base_url: httpUrl.exactOptional().meta({
    description: 'Where clients reach this server, for /.well-known/matrix/client. By default http.public_base_url.',
    examples: ['https://matrix.example.org'],
  }),
  federation_address: serverName.exactOptional().meta({
    description: 'Where other servers reach this server, for /.well-known/matrix/server.',
    examples: ['matrix.example.org:443'],
  }),
});

export const databaseSection = z
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
  .prefault({})
  .describe('Where everything is kept.');

export const busSection = z
  .strictObject({
    kind: z
      .enum(['embedded', 'jetstream'])
      .default('embedded')
      .describe('embedded: within one process. jetstream: NATS, needed as soon as there are two processes.'),
    servers: z.array(natsUrl).min(1).default(['nats://127.0.0.1:4222']).describe('The NATS servers.'),
    replicas: z.int().min(1).max(5).default(1).describe('Copies of each stream: 3 or 5 on a NATS cluster.'),
    credentials_file: path.exactOptional().meta({
      description: 'NATS credentials (.creds).',
      examples: ['/run/secrets/nats.creds'],
    }),
    tls: z
      .strictObject({
        ca_file: caFile.exactOptional(),
        cert_file: certFile.exactOptional(),
        key_file: keyFile.exactOptional(),
      })
      .exactOptional()
      .meta({ description: 'TLS towards NATS, with a certificate of our own if it asks for one.' }),
  })
  .prefault({})
  .describe('What carries events between services. PostgreSQL stays the truth: the bus may lose everything.');

const endpoint = (service: string, example: string) =>
  z
    .array(rpcEndpoint)
    .min(1)
    .exactOptional()
    .meta({ description: `Replicas of ${service}.`, examples: [[example]] });

export const rpcSection = z
  .strictObject({
    listen: hostPort.default('127.0.0.1:9090').describe('Where this process answers the other services.'),
    endpoints: z
      .strictObject({
        'client-api': endpoint('client-api', 'dns:client-api:9090'),
        'federation-api': endpoint('federation-api', 'dns:federation-api:9090'),
        'room-server': endpoint('room-server', 'dns:room-server:9090'),
        sync: endpoint('sync', 'dns:sync:9090'),
        'key-server': endpoint('key-server', 'dns:key-server:9090'),
        push: endpoint('push', 'dns:push:9090'),
        'user-server': endpoint('user-server', 'dns:user-server:9090'),
      })
      .prefault({})
      .describe(
        'Where the services are that do not run in this process: host:port for each replica, or dns:host:port for every address behind a name.',
      ),
    deadline_ms: milliseconds.default(10_000).describe('A call that takes longer fails.'),
    tls: z
      .strictObject({ ca_file: caFile, cert_file: certFile, key_file: keyFile })
      .exactOptional()
      .meta({ description: 'Mutual TLS between services; each must show a certificate signed by ca_file.' }),
  })
  .prefault({})
  .describe('gRPC between services; unused when all of them run in one process.');

export const httpSection = z
  .strictObject({
    listeners: z
      .array(
        z.strictObject({
          host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; "::" is all of them.'),
          port: port.default(8008).describe('Port to listen on.'),
          tls: z
            .strictObject({
              cert_file: certFile,
              key_file: keyFile,
            })
            .exactOptional()
            .meta({ description: 'Serve HTTPS; without it, plain HTTP for a reverse proxy.' }),
        }),
      )
      .min(1)
      .prefault([{}])
      .describe('Where clients and other servers are answered.'),
    public_base_url: httpUrl.exactOptional().meta({
      description: 'How clients reach this deployment from outside.',
      examples: ['https://matrix.example.org'],
    }),
    max_body_bytes: count.default(1_048_576).describe('A larger request is refused with M_TOO_LARGE.'),
    trusted_proxies: z
      .array(addressRange)
      .default([])
      .meta({
        description:
          'Addresses and networks of the reverse proxies in front of us, whose X-Forwarded-For is believed: read from its end, the first address that is not one of them is the client. Limits count by it, so name no network that clients are in.',
        examples: [['127.0.0.1', '10.0.0.0/8']],
      }),
    drain_seconds: z
      .int()
      .min(0)
      .default(20)
      .describe('How long requests may take to finish when the process is told to stop.'),
  })
  .prefault({})
  .describe('HTTP, for clients and other servers.');

export const registrationSection = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether anybody may make an account.'),
    allow_guests: z
      .boolean()
      .default(false)
      .describe('Whether anybody may look around as a guest, without an account.'),
    shared_secret: z
      .string()
      .min(8)
      .exactOptional()
      .meta({
        description: 'Whoever knows it can make accounts: `ganglion create-user` and /_synapse/admin/v1/register.',
        examples: ['change-me-to-something-long-and-random'],
      }),
    shared_secret_file: path.exactOptional().meta({
      description: 'File that holds the shared secret instead.',
      examples: ['/run/secrets/registration_shared_secret'],
    }),
  })
  .prefault({})
  .describe('Making accounts.');

export const passwordsSection = z
  .strictObject({
    min_length: count.default(8).describe('A shorter password is refused with M_WEAK_PASSWORD.'),
    argon2: z
      .strictObject({
        memory_kib: z.int().min(8).default(19_456).describe('Memory for one hash.'),
        passes: count.default(2).describe('Passes over that memory.'),
        parallelism: z.int().min(1).max(16).default(1).describe('Threads for one hash.'),
      })
      .prefault({})
      .describe('Cost of argon2id, for passwords set from now on.'),
  })
  .prefault({})
  .describe('Passwords.');

export const sessionsSection = z
  .strictObject({
    access_token_lifetime_ms: milliseconds.exactOptional().meta({
      description: 'Lifetime of the access tokens of clients that cannot refresh them; by default for ever.',
      examples: [7_776_000_000],
    }),
    refreshable_access_token_lifetime_ms: milliseconds
      .default(300_000)
      .describe('Lifetime of the access tokens of clients that can refresh them.'),
    refresh_token_lifetime_ms: milliseconds.exactOptional().meta({
      description: 'How long a refresh token that is not used lasts; by default for ever.',
      examples: [7_776_000_000],
    }),
  })
  .prefault({})
  .describe('Logged-in devices.');

export const roomsSection = z
  .strictObject({
    default_version: z
      .enum(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])
      .default('12')
      .describe('Version of the rooms whose creator names none.'),
    max_loaded: count.default(5_000).describe('Rooms whose current state each room-server keeps in memory at most.'),
  })
  .prefault({})
  .describe('Rooms.');

export const syncSection = z
  .strictObject({
    default_timeline_limit: count
      .default(10)
      .describe('Events of a room in one answer when the client names no limit.'),
    max_timeline_limit: count.default(100).describe('Events of a room in one answer at most.'),
    max_timeout_ms: milliseconds.default(120_000).describe('How long a client may wait for something to happen.'),
    recent_events_per_room: count.default(100).describe('Events of each room kept ready in memory.'),
    max_cached_rooms: count.default(10_000).describe('Rooms whose recent events are kept ready in memory.'),
    event_cache_bytes: count
      .default(64 * 1024 * 1024)
      .describe(
        'Memory for the texts of events, in bytes; what does not fit is asked of room-server when it is needed.',
      ),
  })
  .prefault({})
  .describe('What clients may ask of /sync and /messages.');

export const rateLimitsSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false lets everybody do everything as fast as they like.'),
    message: rateLimit(0.2, 10, 'Events sent by one user.'),
    room_creation: rateLimit(0.05, 10, 'Rooms made by one user.'),
    joins: rateLimit(0.1, 10, 'Rooms joined by one user, and knocked at.'),
    joins_per_room: rateLimit(1, 50, 'Joins to one room.'),
    invites: rateLimit(
      0.3,
      50,
      'Invites sent by one user, those of new rooms included; no more than burst in one request.',
    ),
    invites_per_room: rateLimit(0.5, 50, 'Invites to one room.'),
    memberships: rateLimit(2, 100, 'Rooms left by one user, and people kicked, banned and unbanned.'),
    room_reads: rateLimit(20, 200, 'State and members of rooms read by one user.'),
    initial_sync: rateLimit(0.2, 20, 'Syncs of one user that begin anew or ask for all state.'),
    directory: rateLimit(0.5, 20, 'Changes of aliases and of the room directory by one user.'),
    public_rooms: rateLimit(1, 20, 'Pages of the room directory read by one user or address.'),
    lookups: rateLimit(
      10,
      100,
      'What anybody may ask, from one address: whether a name is free, who somebody is, where an alias leads.',
    ),
    registration: rateLimit(0.17, 3, 'Accounts made from one address.'),
    auth_sessions: rateLimit(0.2, 30, 'Interactive authentications begun at one address, as a registration is.'),
    login: rateLimit(0.17, 5, 'Log-ins from one address.'),
    login_failed: rateLimit(0.17, 3, 'Failed log-ins to one account from one network, a /24 or a /64 of IPv6.'),
    login_failed_per_network: rateLimit(0.5, 30, 'Failed log-ins to any accounts from one network.'),
    password_failed: rateLimit(0.17, 3, 'Wrong passwords that one device gives, such as to change the password.'),
    refresh: rateLimit(10, 200, 'Tokens refreshed from one address.'),
    account: rateLimit(0.5, 20, 'Changes of the password and the devices of one user.'),
    account_data: rateLimit(10, 100, 'Changes of account data, filters, push rules and pushers by one user.'),
    profile: rateLimit(0.1, 10, 'Changes of the profile of one user, which all of their rooms hear of.'),
    keys: rateLimit(20, 500, 'Requests of one user about keys: uploads, queries, claims and backups.'),
    to_device: rateLimit(50, 1_000, 'Requests of one user that send messages to devices.'),
  })
  .prefault({})
  .describe(
    'What one user, address or room may do, over all replicas: burst at once after a quiet time, per_second in the long run. Of IPv6, a /64 counts as one address.',
  );

export const telemetrySection = z
  .strictObject({
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
          .default('info')
          .describe('The least important lines to write.'),
        format: z.enum(['json', 'text']).default('json').describe('json for collectors, text for people.'),
      })
      .prefault({})
      .describe('Logs, to the standard output. They never hold message contents or tokens.'),
    traces: z
      .strictObject({
        otlp_endpoint: httpUrl.exactOptional().meta({
          description: 'Where spans are sent by OTLP over HTTP; without it there are no traces.',
          examples: ['http://127.0.0.1:4318/v1/traces'],
        }),
        sample_ratio: z.number().min(0).max(1).default(1).describe('The part of the requests that is traced, 0 to 1.'),
      })
      .prefault({})
      .describe('OpenTelemetry traces.'),
    metrics: z
      .strictObject({
        listen: hostPort.exactOptional().meta({
          description:
            'Where operators are told /metrics, /health/live and /health/ready, which nobody else is; without it, nobody. Clients learn from /health of the other listeners whether a process wants requests.',
          examples: ['127.0.0.1:9100'],
        }),
      })
      .prefault({})
      .describe('Prometheus metrics.'),
  })
  .prefault({})
  .describe('What operators see.');
