import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';

/** Anything that YAML can say. */
export type Node = unknown;

const isObject = (node: Node): node is Record<string, Node> =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

/**
 * The files of the specification's data, with every reference written out as the URL that it leads to: so a part of one file
 * can be taken out of it and still finds the others.
 */
export class SchemaFiles {
  readonly #files = new Map<string, Node>();

  /** A file and all that it refers to, each with its URL. */
  load(path: string): { readonly url: string; readonly document: Node } {
    const url = pathToFileURL(path).href;
    return { url, document: this.#open(url) };
  }

  /** Everything that has been opened. */
  get opened(): ReadonlyMap<string, Node> {
    return this.#files;
  }

  /** What a node is that may be a reference. */
  follow(node: Node): Node {
    if (!isObject(node) || typeof node.$ref !== 'string') return node;
    const [file = '', pointer = ''] = node.$ref.split('#');
    const parts = pointer.split('/').slice(1);
    const found = parts.reduce<Node>((at, part) => (isObject(at) ? at[decoded(part)] : undefined), this.#open(file));
    return this.follow(found);
  }

  #open(url: string): Node {
    const known = this.#files.get(url);
    if (known !== undefined) return known;
    const path = new URL(url);
    const document = existsSync(path) ? rewritten(parse(readFileSync(path, 'utf8')), url) : {};
    this.#files.set(url, document);
    for (const file of filesIn(document)) this.#open(file);
    return document;
  }
}

const decoded = (part: string) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');

function rewritten(node: Node, base: string): Node {
  if (Array.isArray(node)) return node.map((inner) => rewritten(inner, base));
  if (!isObject(node)) return node;
  const entries = Object.entries(node).map(([key, inner]) =>
    key === '$ref' && typeof inner === 'string'
      ? ([key, new URL(inner, base).href] as const)
      : ([key, rewritten(inner, base)] as const),
  );
  return Object.fromEntries(entries);
}

function filesIn(node: Node): string[] {
  if (Array.isArray(node)) return node.flatMap(filesIn);
  if (!isObject(node)) return [];
  const own = typeof node.$ref === 'string' ? [node.$ref.split('#')[0] ?? ''] : [];
  return [...own, ...Object.values(node).flatMap(filesIn)];
}
