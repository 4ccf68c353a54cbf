import type { ConfigInput } from '@ganglion/config';
import type { Database } from '@ganglion/database';
import { type Authority, type CertificateFiles, freePorts, Wire } from '@ganglion/testing';
import { Homeserver, type Replica } from './homeserver.js';
import { Person } from './person.js';

/** One of several homeservers that talk to each other over TLS, each with a database, a bus and a name of its own. */
export class FederatedHomeserver {
  #replica: Replica | undefined;

  private constructor(
    private readonly homeserver: Homeserver,
    private readonly files: CertificateFiles,
    /** By this others know it, and by this they do not reach it once it is cut. */
    readonly wire: Wire,
    private readonly port: number,
    private readonly federation: ConfigInput['federation'],
    private readonly settings: Partial<ConfigInput>,
  ) {}

  static async start(
    authority: Authority,
    federation: ConfigInput['federation'] = {},
    settings: Partial<ConfigInput> = {},
  ): Promise<FederatedHomeserver> {
    const files = await authority.issue('127.0.0.1');
    const [known = 0, port = 0] = await freePorts(2);
    const wire = await Wire.lay(known, port);
    const homeserver = await Homeserver.create();
    const server = new FederatedHomeserver(homeserver, files, wire, port, federation, settings);
    await server.resume();
    return server;
  }

  get name(): string {
    return `127.0.0.1:${this.wire.port}`;
  }

  get replica(): Replica {
    if (this.#replica === undefined) throw new Error('this server is stopped');
    return this.#replica;
  }

  get db(): Database {
    return this.replica.db;
  }

  person(prefix: string): Promise<Person> {
    return Person.register(this.replica.url, prefix);
  }

  /** The same person, once the server runs again. */
  again(person: Person): Person {
    return person.at(this.replica.url);
  }

  /** Nobody reaches it any more. */
  async pause(): Promise<void> {
    await this.replica.stop();
    await this.wire.cut();
    this.#replica = undefined;
  }

  /** Runs again, and is reached again unless it is to be alone. */
  async resume(alone = false): Promise<void> {
    const { cert: cert_file, key: key_file, ca: trusted_ca_file } = this.files;
    const listeners = [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: this.port, tls: { cert_file, key_file } },
    ];
    this.#replica = await this.homeserver.start({
      ...this.settings,
      server_names: [{ name: this.name }],
      http: { listeners, drain_seconds: 0 },
      federation: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file, ...this.federation },
    });
    if (!alone) await this.wire.mend();
  }

  async close(): Promise<void> {
    await this.wire.cut();
    await this.homeserver.close();
  }
}
