import { Channel, connectivityState as State } from '@grpc/grpc-js';
import './quiet.js';
import { CallBundler } from './bundle/call-bundler.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { hash } from './rendezvous.js';
import type { Address } from './resolver.js';
import { channelCredentials, channelNames, type TlsFiles } from './tls.js';

const CHANNEL_OPTIONS = {
  // A dead peer is noticed after at most 3 s; grpc-js' own default is never. Less would take a process that only has no
  // processor for a moment for dead, and with it all calls that are under way.
  'grpc.keepalive_time_ms': 1_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  'grpc.client_idle_timeout_ms': 2 ** 31 - 1,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc-node.flow_control_window': 1024 * 1024,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
};

const FIRST_CONNECT_MS = 1_000;

/** The one HTTP/2 connection of this process to one replica. It is kept open, and opened again when it breaks. */
export class Endpoint {
  readonly target: string;
  /** Its part in rendezvous hashing. */
  readonly hash: number;
  readonly channel: Channel;
  readonly bundler: CallBundler;
  readonly #created = performance.now();
  readonly #waiters = new Set<(ready: boolean) => void>();
  #state = State.IDLE;
  #settled = false;
  #closed = false;

  constructor({ target, serverName }: Address, tls: TlsFiles | undefined) {
    this.target = target;
    this.hash = hash(target);
    const name = serverName ?? target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
    this.channel = new Channel(target, channelCredentials(tls, name), {
      ...CHANNEL_OPTIONS,
      ...(tls && channelNames(name)),
    });
    this.bundler = new CallBundler(this.channel);
    this.#watch();
  }

  get ready(): boolean {
    return this.#state === State.READY;
  }

  /** Whether it is unknown if there is somebody. */
  get connecting(): boolean {
    return this.#state === State.CONNECTING || this.#state === State.IDLE;
  }

  /** Whether calls should go here: connected, or new and still connecting. */
  get live(): boolean {
    if (this.#state === State.READY) return true;
    return !this.#settled && performance.now() - this.#created < FIRST_CONNECT_MS;
  }

  /** Resolves to true when connected, to false when that fails or takes too long. */
  whenReady(timeoutMs: number): Promise<boolean> {
    if (this.ready) return Promise.resolve(true);
    if (this.#closed || this.#state === State.TRANSIENT_FAILURE) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (ready: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(settle);
        resolve(ready);
      };
      const timer = setTimeout(settle, Math.min(timeoutMs, FIRST_CONNECT_MS), false);
      this.#waiters.add(settle);
    });
  }

  /** Calls that are under way finish. */
  close(): void {
    this.#closed = true;
    this.#settle(false);
    this.bundler.close();
    this.channel.close();
  }

  #watch(): void {
    if (this.#closed) return;
    const { channel } = this;
    this.#state = channel.getConnectivityState(true);
    if (this.#state === State.READY) this.#settle(true);
    // Whoever answers after a break may be of another release.
    else this.bundler.isUnderstood = true;
    if (this.#state === State.TRANSIENT_FAILURE) this.#settle(false);
    channel.watchConnectivityState(this.#state, Number.POSITIVE_INFINITY, () => this.#watch());
  }

  #settle(ready: boolean): void {
    this.#settled = true;
    for (const settle of [...this.#waiters]) settle(ready);
  }
}

const shared = new Map<string, { endpoint: Endpoint; users: number }>();

/** All clients of this process that talk to one replica share its connection. */
export function acquireEndpoint(address: Address, tls: TlsFiles | undefined): Endpoint {
  const key = sharingKey(address, tls);
  const known = shared.get(key) ?? { endpoint: new Endpoint(address, tls), users: 0 };
  known.users++;
  shared.set(key, known);
  return known.endpoint;
}

export function releaseEndpoint(address: Address, tls: TlsFiles | undefined): void {
  const key = sharingKey(address, tls);
  const known = shared.get(key);
  if (!known || --known.users > 0) return;
  shared.delete(key);
  known.endpoint.close();
}

function sharingKey({ target, serverName }: Address, tls: TlsFiles | undefined): string {
  return JSON.stringify([target, serverName, tls?.ca, tls?.cert, tls?.key]);
}
