import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import { AddressRules } from './address-rules.js';
import { checkedConnector } from './checked-connector.js';
import type { OutgoingOptions } from './outgoing.js';

/** The agent of one `Outgoing`, in a module of its own that is loaded with the first request: it is large. */
export class CheckedAgent {
  readonly #agent: Agent;

  constructor({ allowedNetworks = [], ca, connections = 8, connectTimeoutMs = 10_000, lookup }: OutgoingOptions) {
    const connect = {
      timeout: connectTimeoutMs,
      // One for all connections: to read the certificates again for each takes several times as long as all the rest.
      secureContext: createSecureContext(ca === undefined ? {} : { ca: [...ca] }),
    };
    this.#agent = new Agent({
      connect: checkedConnector(new AddressRules(allowedNetworks), connect, lookup),
      connections,
      // Hosts of which nobody has heard for so long are forgotten with their connections.
      keepAliveTimeout: 30_000,
      maxHeaderSize: 32_768,
    });
  }

  request(url: URL, options: Omit<Dispatcher.RequestOptions, 'path' | 'origin'>): Promise<Dispatcher.ResponseData> {
    return request(url, { dispatcher: this.#agent, ...options });
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
