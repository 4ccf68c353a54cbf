import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where tests say what they ask for. */
const TESTS = ['services/*/test/**/*.ts', 'test/*/test/**/*.ts', 'libs/testing/src/**/*.ts'];
/** How far before a path the method may stand. */
const REACH = 90;
const PREFIX = /^\/?_matrix\/(?:client\/(?:v1|v3|r0)|client|federation\/v[12]|federation|key\/v2|media\/v3|media)\//;

/**
 * A path that a test asks for.
 *
 * @typedef {{ method: string | undefined, segments: string[], file: string, test: string | undefined }} Mention
 */

/**
 * Everything that tests ask for, as far as their text shows it.
 *
 * @param {string} root
 * @returns {Mention[]}
 */
export function findMentions(root) {
  const files = [...new Set(TESTS.flatMap((pattern) => globSync(pattern, { cwd: root })))].sort();
  return files
    .filter((file) => !file.includes('node_modules'))
    .flatMap((file) => mentionsIn(readFileSync(join(root, file), 'utf8'), file));
}

/** @param {string} source @param {string} file @returns {Mention[]} */
export function mentionsIn(source, file) {
  const constants = new Map();
  for (const [, name, text] of source.matchAll(/^ *const (\w+) = ['"`]([^'"`]*)['"`];$/gm)) constants.set(name, text);
  const titles = titlesOf(source);
  return [...source.matchAll(/(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)].flatMap(({ 2: text, index }) => {
    const { method, segments } = pathOf(text, constants);
    if (segments === undefined) return [];
    const before = source.slice(Math.max(0, index - REACH), index);
    const test = titles.findLast((title) => title.index < index)?.[1];
    return [{ method: method ?? methodBefore(before), segments, file, test }];
  });
}

/** Whether a file has a test of this name. */
export function hasTest(root, file, title) {
  const path = join(root, file);
  return (
    existsSync(path) &&
    titlesOf(readFileSync(path, 'utf8')).some(
      ([, known]) => known.replaceAll(/[|[\]<>]/g, '') === title.replaceAll(/\\?[|[\]<>]/g, ''),
    )
  );
}

function titlesOf(source) {
  return [...source.matchAll(/\b(?:it|test)(?:\.each\([\s\S]*?\))?\(\s*['"`]((?:[^'"`\\\n]|\\.)*)['"`]/g)];
}

/** The words of a path, with * for what is put in. */
function pathOf(text, constants) {
  let whole = text;
  for (let depth = 0; depth < 3; depth++) {
    whole = whole.replaceAll(/\$\{(\w+)\}/g, (put, name) => constants.get(name) ?? put);
  }
  const [, method, path] = /^(?:(GET|PUT|POST|DELETE) )?(.*)$/.exec(
    whole.replaceAll(/\$\{inRoom\([^}]*\)\}/g, 'rooms/*'),
  );
  const plain = path.replaceAll(/\$\{[^}]*\}/g, '*').replace(/\?.*$/, '');
  if (!/^[\w/*.:@!#$%-]+$/.test(plain) || (!plain.includes('/') && !/^[a-zA-Z]+$/.test(plain))) return {};
  return { method, segments: wordsOf(plain) };
}

function methodBefore(text) {
  return text
    .match(/(?<![A-Za-z])(get|put|post|delete)(?![A-Za-z])/gi)
    ?.at(-1)
    ?.toUpperCase();
}

/** @param {string} path */
export function wordsOf(path) {
  return path.replace(PREFIX, '').split('/').filter(Boolean);
}

/** Whether a mention may be of an operation's path: what is put in may be anything that the operation leaves open. */
export function fits(mention, method, words) {
  const { segments } = mention;
  if (mention.method !== method || segments.length !== words.length) return false;
  return words.every((word, i) => {
    const isOpen = word.startsWith('{');
    return isOpen ? !/^(?:email|msisdn)$/.test(segments[i]) : segments[i] === word;
  });
}
