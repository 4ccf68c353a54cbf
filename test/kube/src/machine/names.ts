import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { AUTHORITATIVE_ANSWER, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { KubeApi, KubeObject } from './kube-api.ts';

const DOMAIN = 'svc.cluster.local';
const TTL_SECONDS = 5;
const NAME_ERROR = 3;

/** The cluster's DNS: the address of a Service, or those of its pods where it has none of its own. */
export class Names {
  readonly #services = new Map<string, KubeObject>();
  readonly #slices = new Map<string, KubeObject>();
  readonly #end = new AbortController();
  readonly #socket = createSocket('udp4');

  /** Answers on port 53 of the address until it is closed. */
  static async serve(api: KubeApi, address: string): Promise<Names> {
    const names = new Names();
    const keep = (map: Map<string, KubeObject>, path: string) =>
      void api.watch(
        path,
        ({ type, object }) => {
          const key = `${object.metadata.namespace}/${object.metadata.name}`;
          if (type === 'DELETED') map.delete(key);
          else map.set(key, object);
        },
        names.#end.signal,
      );
    keep(names.#services, '/api/v1/services');
    keep(names.#slices, '/apis/discovery.k8s.io/v1/endpointslices');
    const socket = names.#socket;
    socket.on('message', (message, from) => socket.send(names.#answer(decode(message)), from.port, from.address));
    socket.bind(53, address);
    await once(socket, 'listening');
    return names;
  }

  /** The addresses that a name has; undefined when there is no such name. */
  lookUp(name: string): string[] | undefined {
    const [service, namespace, ...domain] = name.toLowerCase().split('.');
    if (domain.join('.') !== DOMAIN) return undefined;
    const found = this.#services.get(`${namespace}/${service}`);
    if (found === undefined) return undefined;
    if (found.spec.clusterIP !== 'None') return [found.spec.clusterIP];
    const slices = [...this.#slices.values()].filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === service,
    );
    const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
    return endpoints.filter(({ conditions }) => conditions.ready !== false).flatMap(({ addresses }) => addresses);
  }

  close(): void {
    this.#end.abort();
    this.#socket.close();
  }

  #answer({ id = 0, flags = 0, questions = [] }: Packet): Buffer {
    const [question] = questions;
    const addresses = question && this.lookUp(question.name);
    const wanted = question?.type === 'A' ? (addresses ?? []) : [];
    return encode({
      type: 'response',
      id,
      flags: (flags & RECURSION_DESIRED) | AUTHORITATIVE_ANSWER | (addresses === undefined ? NAME_ERROR : 0),
      questions,
      answers: wanted.map((data) => ({ type: 'A', name: question!.name, ttl: TTL_SECONDS, data })),
    });
  }
}
