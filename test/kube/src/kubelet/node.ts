import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type KubeApi } from '../machine/kube-api.ts';
import type { KubeletSettings } from './settings.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const LEASE_SECONDS = 40;
const RENEWAL_MS = 3_000;
const ROOM = { cpu: '8', memory: '16Gi', pods: '100', 'ephemeral-storage': '50Gi' };

/** Tells the API server of the node, also of one that comes back. */
export async function register(api: KubeApi, { name, zone, hostAddress }: KubeletSettings): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': name,
    'topology.kubernetes.io/zone': zone,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': process.arch === 'arm64' ? 'arm64' : 'amd64',
  };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
  await api.create('/api/v1/nodes', node).catch((error) => {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
  });
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: {
      capacity: ROOM,
      allocatable: ROOM,
      addresses: [
        { type: 'InternalIP', address: hostAddress },
        { type: 'Hostname', address: name },
      ],
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', ...times() }],
    },
  });
}

function times() {
  const now = new Date().toISOString();
  return { lastHeartbeatTime: now, lastTransitionTime: now };
}

/** Renews the lease by which the controllers see that the node lives. */
export async function keepAlive(api: KubeApi, name: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
    await api
      .patch(`${LEASES}/${name}`, { spec })
      .catch(() => api.create(LEASES, lease))
      .catch((error: Error) => console.error(`lease: ${error.message}`));
    await sleep(RENEWAL_MS);
  }
}
