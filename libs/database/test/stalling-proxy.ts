import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and PostgreSQL, and can let nothing through any more, as a machine that vanishes does. */
export class StallingProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #stalled = false;

  private constructor(
    private readonly target: URL,
    server: (onSocket: (socket: Socket) => void) => Server,
  ) {
    this.#server = server((socket) => this.#join(socket));
  }

  static async before(url: string): Promise<StallingProxy> {
    const proxy = new StallingProxy(new URL(url), (onSocket) => createServer(onSocket));
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** The URL to connect to instead. */
  get url(): string {
    const url = new URL(this.target);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** Connections stay open, and are taken, and nothing comes of them. */
  stall(): void {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was held back gets through. */
  goOn(): void {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#stalled) from.pause();
    }
  }
}
