/**
 * Makes the image without a container engine: Node, the built program, the libraries both are linked with, and nothing else.
 *
 *   npm run image                              dist/image, for amd64 and arm64
 *   npm run image -- --arch amd64 --out DIR    another folder, for one of them
 *   npm run image -- --twice                   makes it of a clone again, and says whether it is the same to the byte
 *
 * Packages of Debian come from DEBIAN_MIRROR, or from where this machine's apt has them. The same sources make the same bytes. `skopeo copy oci:dist/image:0.1.0 docker://registry/ganglion:0.1.0 --all` pushes it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { differences, makeAgain } from './image/again.mjs';
import { layApp } from './image/app-files.mjs';
import { layBase } from './image/base-files.mjs';
import { debianMirror } from './image/debian-mirror.mjs';
import { layerOf } from './image/layer.mjs';
import { layNode } from './image/node-files.mjs';
import { OciLayout } from './image/oci-layout.mjs';
import { billOfMaterials } from './image/sbom.mjs';
import { ROOT } from './launcher/paths.mjs';
import { say, step } from './launcher/say.mjs';

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'amd64,arm64' },
    out: { type: 'string', default: join(ROOT, 'dist/image') },
    twice: { type: 'boolean', default: false },
  },
});
const lock = JSON.parse(await readFile(join(ROOT, 'deploy/image.lock.json'), 'utf8'));
const { version } = JSON.parse(await readFile(join(ROOT, 'services/all-in-one/package.json'), 'utf8'));

await rm(values.out, { recursive: true, force: true });
const layout = new OciLayout(values.out);
for (const arch of values.arch.split(',')) {
  await step(`making the image for ${arch}`, () => addImage(layout, arch));
}
const digest = await layout.finish(version);
say(`${values.out} is ganglion:${version}, ${digest}`);
if (values.twice) await proveTheSame();

async function proveTheSame() {
  const again = await mkdtemp(join(tmpdir(), 'ganglion-image-again-'));
  try {
    await step('making it again, elsewhere and a year later', () => makeAgain(values.arch, again));
    const differing = await differences(values.out, again);
    if (differing.length > 0) throw new Error(`It is another image the second time: ${differing.join(', ')}`);
    say('it is the same to the byte the second time');
  } finally {
    await rm(again, { recursive: true, force: true });
  }
}

async function addImage(layout, arch) {
  if (!(arch in lock.node))
    throw new Error(`There are images for ${Object.keys(lock.node).join(' and ')}, not for ${arch}`);
  const scratch = await mkdtemp(join(tmpdir(), 'ganglion-image-'));
  try {
    const folder = (name) => join(scratch, name);
    await layBase(folder('base'), lock.debian[arch], await debianMirror());
    await layNode(folder('node'), lock.node[arch]);
    const npm = await layApp(folder('app'), arch);
    const layers = [];
    for (const name of ['base', 'node', 'app']) layers.push(await layerOf(folder(name)));
    const made = { version, arch, debian: lock.debian[arch], npm, node: lock.node[arch] };
    await layout.add({ arch, layers, sbom: billOfMaterials(made), labels: labels() });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function labels() {
  const revision = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  return {
    'org.opencontainers.image.title': 'Ganglion',
    'org.opencontainers.image.description': 'A Matrix homeserver that scales by component',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.revision': revision,
  };
}
