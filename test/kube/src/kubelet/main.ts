/**
 * A kubelet that runs each container as a process of its own on this machine: with a root, an address and a process
 * namespace of its own, as nobody, with nothing that it was not given. It is process 1 of a namespace of processes, so that its end is
 * that of a machine: everything that ran on it is gone.
 *
 * One argument: a file with its settings.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { KubeApi, type WatchEvent } from '../machine/kube-api.ts';
import { keepAlive, register } from './node.ts';
import { Pod } from './pod.ts';
import type { KubeletSettings } from './settings.ts';

const settings = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as KubeletSettings;
const api = new KubeApi(settings.access);
const pods = new Map<string, Pod>();
const stopping = new AbortController();
let given = 1;

function onPod({ type, object }: WatchEvent): void {
  const uid = object.metadata.uid as string;
  const ended = ['Succeeded', 'Failed'].includes(object.status?.phase);
  let pod = pods.get(uid);
  if (type === 'DELETED') {
    pods.delete(uid);
    pod?.end(0);
    return;
  }
  const isWanted = object.metadata.deletionTimestamp === undefined;
  if (pod === undefined && !ended && isWanted) {
    pod = new Pod(api, settings, object, `${settings.prefix}.${++given}`);
    pods.set(uid, pod);
    void pod.run();
  }
  if (isWanted) return;
  // What it ran ended with the machine, or was never begun.
  if (pod === undefined) void Pod.forget(api, object);
  else pod.end(object.metadata.deletionGracePeriodSeconds ?? 0);
}

await register(api, settings);
void keepAlive(api, settings.name, stopping.signal);
process.once('SIGTERM', () => {
  stopping.abort();
  process.exit();
});
await api.watch(`/api/v1/pods?fieldSelector=spec.nodeName%3D${settings.name}`, onPod, stopping.signal);
