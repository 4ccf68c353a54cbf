import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const IGNORED = new Set(['node_modules', 'dist', 'gen', 'test', '.turbo']);

/** Changes whenever a file below one of the paths comes, goes or is written. Looks at no contents, so that it is fast. */
export function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths) addTo(hash, path);
  return hash.digest('hex');
}

function addTo(hash, path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) {
    hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
    return;
  }
  for (const name of readdirSync(path).sort()) if (!IGNORED.has(name)) addTo(hash, join(path, name));
}

/** A note that something was done for the state of things that `value` stands for. */
export class Stamp {
  #file;

  constructor(file) {
    this.#file = file;
  }

  is(value) {
    try {
      return readFileSync(this.#file, 'utf8') === value;
    } catch {
      return false;
    }
  }

  set(value) {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, value);
  }
}
