import type { KubeApi } from '../machine/kube-api.ts';

interface Path {
  readonly pattern: RegExp;
  readonly length: number;
  readonly url: string;
}

/** The Ingress of a release as the API server has it, which says where each path leads. */
export class WayIn {
  readonly #paths: readonly Path[];

  private constructor(paths: readonly Path[]) {
    this.#paths = paths;
  }

  static async find(api: KubeApi, namespace: string, name: string): Promise<WayIn> {
    const ingress = await api.get(`/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}`);
    const services = await api.list(`/api/v1/namespaces/${namespace}/services`);
    const addresses = new Map(services.map(({ metadata, spec }) => [metadata.name, spec.clusterIP]));
    const paths: { path: string; backend: { service: { name: string } } }[] = ingress.spec.rules[0].http.paths;
    return new WayIn(
      paths.map(({ path, backend }) => ({
        pattern: new RegExp(`^${path}`),
        length: path.length,
        url: `http://${addresses.get(backend.service.name)}:8008`,
      })),
    );
  }

  /** The address of the Service for a path; of the patterns that fit, the longest decides, as in nginx. */
  urlFor(path: string): string {
    const fitting = this.#paths.filter(({ pattern }) => pattern.test(path));
    return fitting.reduce((best, each) => (each.length > best.length ? each : best)).url;
  }
}
