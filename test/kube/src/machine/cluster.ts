import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Image } from '../kubelet/settings.ts';
import { Backing } from './backing.ts';
import type { Built } from './build.ts';
import { CLUSTER_ADDRESSES, ControlPlane, POD_ADDRESSES } from './control-plane.ts';
import { Names } from './names.ts';
import { Node } from './node.ts';

const run = promisify(execFile);

/** This side of all pods' cables: the API server, DNS, PostgreSQL and NATS have it. */
const HERE = '10.244.0.1';
const NODES = ['node-1', 'node-2', 'node-3'];

/** A whole Kubernetes on this machine, in namespaces that nothing else is in. */
export class Cluster {
  readonly plane: ControlPlane;
  readonly backing: Backing;
  readonly nodes: readonly Node[];
  readonly #names: Names;

  private constructor(plane: ControlPlane, backing: Backing, nodes: readonly Node[], names: Names) {
    this.plane = plane;
    this.backing = backing;
    this.nodes = nodes;
    this.#names = names;
  }

  static async start(built: Built, folder: string, images: Readonly<Record<string, Image>>): Promise<Cluster> {
    await ip('link', 'set', 'lo', 'up');
    await ip('address', 'add', `${HERE}/32`, 'dev', 'lo');
    // Addresses of Services are nobody's: kube-proxy's rules turn them into those of pods.
    await ip('route', 'add', CLUSTER_ADDRESSES, 'dev', 'lo', 'src', HERE);
    await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
    const backing = await Backing.start(folder, HERE);
    const plane = await ControlPlane.start({ built, folder, address: HERE });
    await startProxy(plane);
    const names = await Names.serve(plane.api, HERE);
    const containers = join(folder, 'containers');
    await mkdir(containers, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', containers]);
    const nodes = NODES.map((name, index) => {
      const own = { name, zone: `zone-${index + 1}`, prefix: `10.244.${index + 1}` };
      const places = { hostAddress: HERE, folder: join(containers, name), logs: join(folder, 'logs/pods') };
      return new Node({ access: plane.access, images, ...own, ...places }, folder);
    });
    for (const node of nodes) await node.start();
    return new Cluster(plane, backing, nodes, names);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    this.#names.close();
    await this.plane.stop();
    await this.backing.stop();
  }
}

async function startProxy(plane: ControlPlane): Promise<void> {
  await plane.run('kube-proxy', [
    ...[`--kubeconfig=${plane.kubeconfig}`, '--proxy-mode=nftables', `--cluster-cidr=${POD_ADDRESSES}`],
    ...['--hostname-override=node-1', `--bind-address=${HERE}`, '--conntrack-max-per-core=0'],
    ...['--conntrack-tcp-timeout-established=0s', '--conntrack-tcp-timeout-close-wait=0s'],
  ]);
}

function ip(...args: string[]) {
  return run('ip', args);
}
