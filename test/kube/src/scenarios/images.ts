import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Image } from '../kubelet/settings.ts';
import { LAST, REPOSITORY, THIS } from './stage.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

interface Given {
  readonly last?: string;
  readonly image?: string;
}

/** What stands for the images of the release before and of this one. */
export async function imagesOf({ last = ROOT, image }: Given, folder: string): Promise<Record<string, Image>> {
  return {
    [`${REPOSITORY}:${LAST}`]: ofCheckout(last),
    [`${REPOSITORY}:${THIS}`]: image === undefined ? ofCheckout(ROOT) : await unpacked(image, folder),
  };
}

function ofCheckout(folder: string): Image {
  const entrypoint = [process.execPath, join(folder, 'services/all-in-one/bin/ganglion.mjs')];
  return {
    root: '/',
    entrypoint,
    env: { PATH: `${process.execPath.replace(/\/node$/, '')}:/usr/bin:/bin`, NODE_NO_WARNINGS: '1' },
  };
}

/** An image of an OCI layout as a folder. */
async function unpacked(layout: string, folder: string): Promise<Image> {
  const run = promisify(execFile);
  const [plain, bundle] = [join(folder, 'image'), join(folder, 'bundle')];
  // umoci takes a layout of one kind of processor.
  await run('skopeo', ['copy', '--quiet', `oci:${layout}`, `oci:${plain}:this`]);
  await run('umoci', ['unpack', '--image', `${plain}:this`, bundle]);
  const { stdout } = await run('skopeo', ['inspect', '--config', `oci:${plain}:this`]);
  const { Entrypoint, Env } = JSON.parse(stdout).config as { Entrypoint: string[]; Env: string[] };
  const env = Object.fromEntries(
    Env.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  return { root: join(bundle, 'rootfs'), entrypoint: Entrypoint, env };
}
