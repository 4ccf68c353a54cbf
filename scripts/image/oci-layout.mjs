import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from './layer.mjs';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const EMPTY = 'application/vnd.oci.empty.v1+json';
const SPDX = 'application/spdx+json';

/**
 * An image for several kinds of processors as an OCI layout: what `skopeo copy oci:FOLDER:TAG docker://…` pushes.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class OciLayout {
  #images = [];

  constructor(folder) {
    this.folder = folder;
  }

  /**
   * @param {{ arch: string, layers: { blob: Buffer, digest: string, diffId: string }[], sbom: object, labels: Record<string, string> }} image
   */
  async add({ arch, layers, sbom, labels }) {
    const config = await this.#json(CONFIG, {
      created: new Date(0).toISOString(),
      architecture: arch,
      os: 'linux',
      config: {
        User: '10001:10001',
        Env: ['PATH=/usr/bin', 'NODE_ENV=production', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
        Entrypoint: ['/usr/bin/node', '/app/bin/ganglion.mjs'],
        Cmd: ['start'],
        WorkingDir: '/',
        Labels: labels,
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created: new Date(0).toISOString(), created_by: 'npm run image' })),
    });
    const blobs = await Promise.all(layers.map(({ blob }) => this.#blob(LAYER, blob)));
    const manifest = await this.#json(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config,
      layers: blobs,
      annotations: labels,
    });
    const bill = await this.#json(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: SPDX,
      config: await this.#blob(EMPTY, Buffer.from('{}')),
      layers: [await this.#json(SPDX, sbom)],
      subject: manifest,
    });
    this.#images.push({ ...manifest, platform: { architecture: arch, os: 'linux' } });
    this.bills = [...(this.bills ?? []), { ...bill, artifactType: SPDX }];
  }

  /** Writes down what was added. Returns the digest of the whole. */
  async finish(tag) {
    const index = await this.#json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: this.#images });
    const named = { ...index, annotations: { 'org.opencontainers.image.ref.name': tag } };
    const top = { schemaVersion: 2, mediaType: INDEX, manifests: [named, ...(this.bills ?? [])] };
    await writeFile(join(this.folder, 'index.json'), JSON.stringify(top));
    await writeFile(join(this.folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    return index.digest;
  }

  #json(mediaType, value) {
    return this.#blob(mediaType, Buffer.from(JSON.stringify(value)));
  }

  async #blob(mediaType, bytes) {
    const digest = digestOf(bytes);
    await mkdir(join(this.folder, 'blobs/sha256'), { recursive: true });
    await writeFile(join(this.folder, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}
