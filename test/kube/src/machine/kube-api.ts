import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

/** As much of an object of Kubernetes as is common to all. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
  // biome-ignore lint/suspicious/noExplicitAny: each kind has a form of its own, which the API server knows
  readonly [section: string]: any;
}

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
}

/** Where an API server is, and who asks it. */
export interface Access {
  readonly url: string;
  /** The file with its certificate. */
  readonly certificate: string;
  readonly token: string;
}

/** What an API server said instead of doing what it was asked. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const PATCH_TYPE = 'application/strategic-merge-patch+json';

/** Kubernetes' API in as many calls as are needed here. Paths are those of its REST interface. */
export class KubeApi {
  readonly #dispatcher: Agent;

  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
    const connect = { ca: readFileSync(access.certificate), servername: 'kubernetes.default.svc' };
    this.#dispatcher = new Agent({ connect, headersTimeout: 0, bodyTimeout: 0, allowH2: false });
  }

  /** Whether it has begun everything that it does, which others wait for only so long. */
  async isReady(): Promise<boolean> {
    const { statusCode, body } = await request(`${this.#access.url}/readyz`, {
      dispatcher: this.#dispatcher,
      headers: this.#headers(),
    });
    await body.dump();
    return statusCode === 200;
  }

  get(path: string): Promise<KubeObject> {
    return this.#call('GET', path);
  }

  async list(path: string): Promise<KubeObject[]> {
    return (await this.#call('GET', path)).items;
  }

  create(path: string, object: object): Promise<KubeObject> {
    return this.#call('POST', path, object);
  }

  patch(path: string, change: object): Promise<KubeObject> {
    return this.#call('PATCH', path, change);
  }

  replace(path: string, object: object): Promise<KubeObject> {
    return this.#call('PUT', path, object);
  }

  remove(path: string, options: object = {}): Promise<KubeObject> {
    return this.#call('DELETE', path, options);
  }

  /** Tells of everything that is there and of every change from then on, until the signal; goes on when it is cut off. */
  async watch(path: string, on: (event: WatchEvent) => void, signal: AbortSignal): Promise<void> {
    const known = new Map<string, KubeObject>();
    const tell = (event: WatchEvent) => {
      const { uid = '' } = event.object.metadata;
      if (event.type === 'DELETED') known.delete(uid);
      else known.set(uid, event.object);
      on(event);
    };
    while (!signal.aborted) {
      try {
        await this.#watchOnce(path, known, tell, signal);
      } catch {
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  async #watchOnce(
    path: string,
    known: ReadonlyMap<string, KubeObject>,
    tell: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const listed = await this.get(path);
    const items: readonly KubeObject[] = listed.items;
    const there = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [uid, object] of known) if (!there.has(uid)) tell({ type: 'DELETED', object });
    for (const object of items) tell({ type: 'ADDED', object });
    const join = path.includes('?') ? '&' : '?';
    const url = `${this.#access.url}${path}${join}watch=true&resourceVersion=${listed.metadata.resourceVersion}`;
    const { body } = await request(url, { dispatcher: this.#dispatcher, headers: this.#headers(), signal });
    let rest = '';
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = JSON.parse(line) as WatchEvent;
        if ((event.type as string) === 'ERROR') return;
        tell(event);
      }
    }
  }

  async #call(method: Method, path: string, body?: object): Promise<KubeObject> {
    const answer = await request(`${this.#access.url}${path}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: this.#headers(method === 'PATCH' ? PATCH_TYPE : 'application/json'),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return JSON.parse(text);
    const { reason = 'Unknown', message = text } = JSON.parse(text);
    throw new ApiError(answer.statusCode, reason, `${method} ${path}: ${message}`);
  }

  #headers(type?: string): Record<string, string> {
    return { authorization: `Bearer ${this.#access.token}`, ...(type !== undefined && { 'content-type': type }) };
  }
}
