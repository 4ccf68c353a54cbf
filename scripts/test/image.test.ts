import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, readFileSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { differences } from '../image/again.mjs';
import { readAr } from '../image/ar.mjs';
import { digestOf, layerOf } from '../image/layer.mjs';
import { OciLayout } from '../image/oci-layout.mjs';
import { billOfMaterials } from '../image/sbom.mjs';
import { folderWith } from './support.js';

const run = promisify(execFile);
const FILES = { 'usr/bin/node': '#!', 'etc/passwd': 'root', 'tmp/.keep': '' };

function laid() {
  const folder = folderWith(FILES);
  chmodSync(join(folder, 'usr/bin/node'), 0o700);
  symlinkSync('node', join(folder, 'usr/bin/nodejs'));
  return folder;
}

describe('a layer', () => {
  it('is the same to the byte for the same files, whenever and by whoever they were written', async () => {
    const [one, other] = [laid(), laid()];
    utimesSync(join(other, 'etc/passwd'), 1, 1);
    chmodSync(join(other, 'etc/passwd'), 0o600);
    expect((await layerOf(other)).digest).toBe((await layerOf(one)).digest);
  });

  it('tells its digests of the compressed and of the plain bytes', async () => {
    const { blob, digest, diffId } = await layerOf(laid());
    expect(digest).toBe(digestOf(blob));
    expect(diffId).toBe(digestOf(gunzipSync(blob)));
  });

  it('differs when a file may be executed that could not', async () => {
    const [one, other] = [laid(), laid()];
    chmodSync(join(other, 'etc/passwd'), 0o755);
    expect((await layerOf(other)).digest).not.toBe((await layerOf(one)).digest);
  });
});

describe('an image', () => {
  async function written() {
    const out = folderWith();
    const layout = new OciLayout(out);
    const made = {
      version: '1.2.3',
      arch: 'arm64',
      debian: [{ name: 'libstdc++6', version: '12.2.0-14+deb12u1', sha256: 'ab' }],
      npm: [{ name: '@node-rs/argon2', version: '2.2.1', license: 'MIT' }],
      node: { version: '26.0.0' },
    };
    for (const arch of ['amd64', 'arm64']) {
      const sbom = billOfMaterials({ ...made, arch });
      await layout.add({
        arch,
        layers: [await layerOf(laid())],
        sbom,
        labels: { 'org.opencontainers.image.version': '1.2.3' },
      });
    }
    return { out, digest: await layout.finish('1.2.3') };
  }

  const blob = (out: string, digest: string) => readFileSync(join(out, 'blobs/sha256', digest.replace('sha256:', '')));
  const json = (out: string, digest: string) => JSON.parse(blob(out, digest).toString());

  it('has every blob that it names, with the size and the digest that it says', async () => {
    const { out, digest } = await written();
    const { manifests } = json(out, digest);
    expect(manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ]);
    for (const manifest of manifests) {
      const { config, layers } = json(out, manifest.digest);
      for (const each of [manifest, config, ...layers]) {
        expect(digestOf(blob(out, each.digest))).toBe(each.digest);
        expect(blob(out, each.digest)).toHaveLength(each.size);
      }
      expect(json(out, config.digest).config.User).toBe('10001:10001');
    }
  });

  it('comes with a bill of materials for each kind of processor', async () => {
    const { out, digest } = await written();
    const top = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8'));
    const bills = top.manifests.filter(({ artifactType }: { artifactType?: string }) => artifactType !== undefined);
    const subjects = bills.map((bill: { digest: string }) => json(out, bill.digest).subject.digest);
    expect(subjects).toEqual(json(out, digest).manifests.map((each: { digest: string }) => each.digest));
    const sbom = json(out, json(out, bills[1].digest).layers[0].digest);
    const purls = sbom.packages.map(
      (each: { externalRefs: { referenceLocator: string }[] }) => each.externalRefs[0]!.referenceLocator,
    );
    expect(purls).toContain('pkg:npm/%40node-rs/argon2@2.2.1');
    expect(purls).toContain('pkg:deb/debian/libstdc++6@12.2.0-14%2Bdeb12u1?arch=arm64&distro=bookworm');
    expect(new Set(sbom.packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID)).size).toBe(sbom.packages.length);
  });

  it('is told from another by the names of what is not the same in both', async () => {
    const [{ out: one }, { out: other }] = [await written(), await written()];
    expect(await differences(one, other)).toEqual([]);
    appendFileSync(join(other, 'index.json'), ' ');
    appendFileSync(join(other, 'more'), '');
    expect(await differences(one, other)).toEqual(['index.json', 'more']);
    expect(await differences(other, one)).toEqual(['index.json', 'more']);
  });

  it('is understood by skopeo, where there is one', async () => {
    const { out, digest } = await written();
    const inspected = await run('skopeo', ['inspect', '--raw', `oci:${out}:1.2.3`]).catch((error) => error);
    if (inspected.code === 'ENOENT') return;
    expect(digestOf(Buffer.from(inspected.stdout))).toBe(digest);
  });
});

it('reads the members of a Debian package, of odd length as well', () => {
  const member = (name: string, text: string) =>
    `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(text.length).padEnd(10)}\`\n${text}${text.length % 2 ? '\n' : ''}`;
  const archive = Buffer.from(`!<arch>\n${member('debian-binary', '2.0')}${member('data.tar.xz/', 'xyz!')}`);
  expect([...readAr(archive)].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
    ['debian-binary', '2.0'],
    ['data.tar.xz', 'xyz!'],
  ]);
  expect(() => readAr(Buffer.from('PK'))).toThrow('no ar archive');
});
