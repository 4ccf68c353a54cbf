import type { KubeObject } from '../machine/kube-api.ts';

/** How a container is. */
export interface ContainerState {
  state: object;
  lastState?: object;
  ready?: boolean;
  started?: boolean;
  restarts?: number;
}

interface About {
  readonly pod: KubeObject;
  readonly states: ReadonlyMap<string, ContainerState>;
  readonly phase: string;
  readonly address: string;
  readonly hostAddress: string;
  readonly started: string;
}

/** When a condition became what it is, for each pod. */
const since = new WeakMap<KubeObject, Map<string, { status: string; at: string }>>();

/** A pod's status as the API server and its controllers want it. */
export function statusOf({ pod, states, phase, address, hostAddress, started }: About): object {
  const specs: readonly { name: string; image: string }[] = pod.spec.containers;
  const ready = phase === 'Running' && [...states.values()].every((state) => state.ready === true);
  const conditions = {
    PodReadyToStartContainers: true,
    Initialized: phase !== 'Pending',
    ContainersReady: ready,
    Ready: ready,
  };
  return {
    phase,
    startTime: started,
    hostIP: hostAddress,
    hostIPs: [{ ip: hostAddress }],
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: Object.entries(conditions).map(([type, holds]) => conditionOf(pod, type, holds ? 'True' : 'False')),
    containerStatuses: specs.map(({ name, image }) => {
      const {
        state,
        lastState = {},
        ready = false,
        started = false,
        restarts = 0,
      } = states.get(name) as ContainerState;
      return { name, image, imageID: image, state, lastState, ready, started, restartCount: restarts };
    }),
  };
}

function conditionOf(pod: KubeObject, type: string, status: string) {
  const known = since.get(pod) ?? new Map();
  since.set(pod, known);
  if (known.get(type)?.status !== status) known.set(type, { status, at: new Date().toISOString() });
  return { type, status, lastTransitionTime: known.get(type).at };
}
