import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/**
 * What leads to a server from outside. While it is cut, whoever comes is refused and whoever was connected is so no more, and the
 * server goes on behind it: when the wires of all servers are cut, each of them is alone.
 */
export class Wire {
  readonly #server = createServer((from) => this.#pass(from));
  readonly #sockets = new Set<Socket>();

  private constructor(
    /** By which others know the server. */
    readonly port: number,
    /** Where the server listens. */
    private readonly to: number,
  ) {}

  static async lay(port: number, to: number): Promise<Wire> {
    const wire = new Wire(port, to);
    await wire.mend();
    return wire;
  }

  async mend(): Promise<void> {
    if (!this.#server.listening) await once(this.#server.listen(this.port, '127.0.0.1'), 'listening');
  }

  async cut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #pass(from: Socket): void {
    const to = connect(this.to, '127.0.0.1');
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(one);
      one.once('close', () => this.#sockets.delete(one));
      // What goes wrong ends both.
      pipeline(one, other, () => {});
    }
  }
}
