import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readAr } from './ar.mjs';
import { fetchByDigest } from './fetch.mjs';

const run = promisify(execFile);
const USER = 'ganglion:x:10001:10001:Ganglion:/nonexistent:/sbin/nologin';

/**
 * Lays the lowest layer of the image into a folder: the libraries that Node and its native modules are linked with, the
 * certificates of authorities, and a user who is not root.
 *
 * @param {{ name: string, path: string, sha256: string }[]} packages of Debian
 * @param {string} mirror where Debian's archive is
 */
export async function layBase(folder, packages, mirror) {
  for (const each of packages) {
    const url = new URL(each.path, `${mirror.replace(/\/$/, '')}/`).href;
    await extract(await fetchByDigest(url, 'sha256', each.sha256), folder);
  }
  await bundleCertificates(folder);
  for (const leftOut of ['usr/share/doc', 'usr/share/man', 'usr/share/lintian', 'usr/sbin', 'usr/lib/systemd']) {
    await rm(join(folder, leftOut), { recursive: true, force: true });
  }
  await writeFile(join(folder, 'etc/passwd'), `root:x:0:0:root:/root:/sbin/nologin\n${USER}\n`);
  await writeFile(join(folder, 'etc/group'), 'root:x:0:\nganglion:x:10001:\n');
  await mkdir(join(folder, 'tmp'), { recursive: true });
  await mkdir(join(folder, 'var/lib/ganglion'), { recursive: true });
}

/** A package's files; its scripts are not run. */
async function extract(deb, folder) {
  const members = readAr(deb);
  const [name] = [...members.keys()].filter((each) => each.startsWith('data.tar'));
  const scratch = await mkdtemp(join(tmpdir(), 'ganglion-deb-'));
  try {
    await writeFile(join(scratch, name), members.get(name));
    await mkdir(folder, { recursive: true });
    await run('tar', ['-xf', join(scratch, name), '-C', folder, '--no-same-owner']);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What the package's own script would make: all certificates in one file. */
async function bundleCertificates(folder) {
  const source = join(folder, 'usr/share/ca-certificates/mozilla');
  const names = (await readdir(source)).filter((name) => name.endsWith('.crt')).sort();
  const certificates = await Promise.all(names.map((name) => readFile(join(source, name), 'utf8')));
  await mkdir(join(folder, 'etc/ssl/certs'), { recursive: true });
  await writeFile(
    join(folder, 'etc/ssl/certs/ca-certificates.crt'),
    certificates.map((text) => `${text.trimEnd()}\n`).join(''),
  );
  await rm(join(folder, 'usr/share/ca-certificates'), { recursive: true });
}
