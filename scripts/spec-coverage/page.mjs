import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHandlers } from './handlers.mjs';
import { findMentions, fits, hasTest, wordsOf } from './proofs.mjs';

const APPSERVICES = 'Appservices are not there.';
const SSO = 'Single sign-on is not there.';

/** Operations that nothing answers, and why. */
export const MISSING = new Map(
  Object.entries({
    pingAppservice: APPSERVICES,
    updateAppserviceRoomDirectoryVisibility: APPSERVICES,
    redirectToSSO: SSO,
    redirectToIdP: SSO,
    getAuthMetadata: 'OAuth 2.0 is not there: clients then log in by the other ways.',
    getWellknownPolicy: 'For policy servers: this is none.',
    askPolicyServerToSign: 'For policy servers: this is none.',
  }),
);

/**
 * An operation of the specification, with what answers it and what proves that.
 *
 * @typedef {{ api: string, method: string, path: string, id: string,
 *   handler: import('./handlers.mjs').Handler | undefined, proof: import('./proofs.mjs').Mention | undefined }} Covered
 */

/**
 * Every operation of the specification v1.19, as far as it concerns a homeserver's clients and other homeservers.
 *
 * @param {string} root
 * @returns {Covered[]}
 */
export function coverage(root) {
  const operations = JSON.parse(readFileSync(join(root, 'scripts/spec-coverage/operations.json'), 'utf8'));
  const named = JSON.parse(readFileSync(join(root, 'scripts/spec-coverage/proven-by.json'), 'utf8'));
  const handlers = findHandlers(root);
  const mentions = findMentions(root);
  return operations.map(([api, method, path, id]) => {
    const handler = handlers.find((it) => it.method === method && answers(it.path, path));
    const [file, test] = named[`${api} ${id}`] ?? named[id] ?? [];
    const proof = file
      ? hasTest(root, file, test) && { file, test }
      : best(mentions.filter((it) => fits(it, method, wordsOf(path))));
    return { api, method, path, id, handler, proof: handler && proof };
  });
}

/** A handler's parameter takes whatever stands there in the specification's path. */
function answers(route, path) {
  const [ours, theirs] = [route, path].map((whole) => whole.split('/').filter(Boolean));
  return ours.length === theirs.length && ours.every((part, i) => part.startsWith(':') || part === theirs[i]);
}

/** A test of its own, or else the example by which all endpoints are tested. */
function best(mentions) {
  const own = mentions.find(({ file, test }) => file.endsWith('.test.ts') && test !== undefined);
  return own ?? mentions.find(({ file }) => /\/support\/[\w-]*examples\.ts$/.test(file));
}

/** @param {readonly Covered[]} operations */
export function pageOf(operations) {
  const of = (api) => operations.filter((operation) => operation.api === api);
  const table = (api, title) => [
    `## ${title}`,
    '',
    '| operation | answered by | proven by |',
    '| --- | --- | --- |',
    ...of(api).map(rowOf),
    '',
  ];
  const answered = operations.filter(({ handler }) => handler !== undefined).length;
  return [
    '# What is answered of the specification',
    '',
    `Made by \`npm run spec-coverage\`; a test compares it with the code. Of ${operations.length} operations of the [specification v1.19](https://spec.matrix.org/v1.19/), ${answered} are answered.`,
    'Besides the test that is named, each endpoint has an example in `services/all-in-one/test/support`, by which hostile requests, rate limits, guests and suspended accounts are tested.',
    '',
    ...table('client-server', 'Client-Server API'),
    ...table('server-server', 'Server-Server API'),
  ].join('\n');
}

function rowOf({ method, path, id, handler, proof }) {
  const operation = `\`${method} ${path}\` ${id}`;
  if (handler === undefined) return `| ${operation} | nothing. ${MISSING.get(id) ?? ''} | |`;
  const by = `[${handler.name}](../${handler.file})`;
  const proven = proof === undefined ? '' : `[${escaped(proof.test ?? 'its example')}](../${proof.file})`;
  return `| ${operation} | ${by} | ${proven} |`;
}

/**
 * What the page says that is not so (any more). That there are other tests of an operation by now does not make it wrong.
 *
 * @param {string} page @param {readonly Covered[]} operations @param {string} root
 * @returns {string[]}
 */
export function staleRows(page, operations, root) {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const known = new Map(rows.map((row) => [row.slice(0, row.indexOf(' | ')), row]));
  const stale = operations.filter((operation) => {
    const fresh = rowOf(operation);
    const row = known.get(fresh.slice(0, fresh.indexOf(' | ')));
    if (row === undefined || cell(row, 2) !== cell(fresh, 2)) return true;
    return operation.handler !== undefined && !isProof(cell(row, 3), root);
  });
  const names = stale.map(({ method, path }) => `${method} ${path}`);
  return rows.length === operations.length
    ? names
    : [...names, `${rows.length} operations in the place of ${operations.length}`];
}

/** The page has no cell with a | in it. */
const cell = (row, index) => row.replaceAll('\\|', '').split('|')[index]?.trim();

function isProof(text, root) {
  const [, title, file] = /^\[(.*)\]\(\.\.\/(.*)\)$/.exec(text) ?? [];
  if (file === undefined) return false;
  return title === 'its example' ? existsSync(join(root, file)) : hasTest(root, file, title);
}

function escaped(text) {
  return text.replaceAll(/[|[\]<>]/g, '\\$&');
}
