import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeApi, KubeObject } from '../machine/kube-api.ts';

type Files = Readonly<Record<string, Buffer>>;

/**
 * Lays out what a pod mounts, each volume in a folder of its own; a claim is where it is, for all who share it.
 *
 * @returns the folder of each volume by its name
 * @throws Error for what is not there yet, or of a kind that is not known here
 */
export async function layVolumes(api: KubeApi, pod: KubeObject, folder: string): Promise<Map<string, string>> {
  const group = pod.spec.securityContext?.fsGroup ?? 0;
  const laid = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.persistentVolumeClaim !== undefined) {
      const at = await folderOfClaim(api, pod.metadata.namespace as string, volume.persistentVolumeClaim.claimName);
      await prepare(at, group);
      laid.set(volume.name, at);
      continue;
    }
    const at = join(folder, volume.name);
    await prepare(at, group);
    for (const [path, bytes] of Object.entries(await filesOf(api, pod.metadata.namespace as string, volume))) {
      await mkdir(dirname(join(at, path)), { recursive: true });
      await writeFile(join(at, path), bytes);
      await chown(join(at, path), 0, group);
      await chmod(join(at, path), 0o640);
    }
    laid.set(volume.name, at);
  }
  return laid;
}

async function prepare(folder: string, group: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chown(folder, 0, group);
  await chmod(folder, 0o2775);
}

// biome-ignore lint/suspicious/noExplicitAny: a volume has one of many forms
async function filesOf(api: KubeApi, namespace: string, volume: any): Promise<Files> {
  if (volume.emptyDir !== undefined) return {};
  if (volume.configMap !== undefined) {
    return picked(await configMap(api, namespace, volume.configMap.name), volume.configMap.items);
  }
  if (volume.secret !== undefined) {
    return picked(await secret(api, namespace, volume.secret.secretName), volume.secret.items);
  }
  throw new Error(`volume ${volume.name} is of a kind that this kubelet does not know`);
}

function picked(files: Files, items?: readonly { key: string; path: string }[]): Files {
  if (items === undefined) return files;
  return Object.fromEntries(items.map(({ key, path }) => [path, files[key] ?? Buffer.alloc(0)]));
}

export async function configMap(api: KubeApi, namespace: string, name: string): Promise<Files> {
  const { data = {}, binaryData = {} } = await api.get(`/api/v1/namespaces/${namespace}/configmaps/${name}`);
  return { ...bytesOf(data, 'utf8'), ...bytesOf(binaryData, 'base64') };
}

export async function secret(api: KubeApi, namespace: string, name: string): Promise<Files> {
  const { data = {} } = await api.get(`/api/v1/namespaces/${namespace}/secrets/${name}`);
  return bytesOf(data, 'base64');
}

function bytesOf(texts: Readonly<Record<string, string>>, encoding: BufferEncoding): Files {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text, encoding)]));
}

async function folderOfClaim(api: KubeApi, namespace: string, name: string): Promise<string> {
  const claim = await api.get(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`);
  const { volumeName } = claim.spec;
  if (volumeName === undefined) throw new Error(`claim ${name} is not bound`);
  const { spec } = await api.get(`/api/v1/persistentvolumes/${volumeName}`);
  if (spec.hostPath === undefined) throw new Error(`volume ${volumeName} is no folder of this machine`);
  return spec.hostPath.path;
}
