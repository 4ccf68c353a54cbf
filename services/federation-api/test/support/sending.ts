import { type Config, type ConfigInput, parseConfig } from '@ganglion/config';
import type { LeavingDeviceMessage, LeavingDeviceMessages } from '@ganglion/contracts/sync';
import { Database, migrate } from '@ganglion/database';
import { FederationAgent } from '@ganglion/federation';
import { generateSigningKey, type JsonObject, ready, type SigningKey } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import {
  Authority,
  BUSES,
  type CertificateFiles,
  type TestBus,
  type TestDatabase,
  testDatabase,
} from '@ganglion/testing';
import { createSender, type Sender } from '../../src/sender.js';
import { federationApiSchema } from '../../src/storage/migrations.js';
import { PostgresSenderLog } from '../../src/storage/sender-log.js';
import { PostgresSentKeys } from '../../src/storage/sent-keys.js';
import { KeptKeys } from './kept-keys.js';
import { type Answer, type Received, RemoteServer } from './remote-server.js';
import { WrittenRooms } from './written-rooms.js';

const OURS = 'ours.example';
const SEND = /^\/_matrix\/federation\/v1\/send\//;

/** A transaction as another server was given it. */
export interface Transaction {
  readonly txnId: string;
  readonly pdus: readonly JsonObject[];
  readonly edus: readonly { readonly edu_type: string; readonly content: JsonObject }[];
}

/** Another server that takes transactions. */
export class Destination {
  /** All that were given to it, in order: those that it did not answer, too. */
  readonly given: Transaction[] = [];
  /** What it answers: by default that it has taken it. */
  answering: (transaction: Transaction) => Answer | Promise<Answer> = () => ({ pdus: {} });

  constructor(readonly server: RemoteServer) {
    server.on('PUT', SEND, (received) => {
      const transaction = read(received);
      this.given.push(transaction);
      return this.answering(transaction);
    });
  }

  get name(): string {
    return this.server.name;
  }

  /** What is said by the bodies of events. */
  get bodies(): unknown[] {
    return this.bodiesSince(0);
  }

  /** The same, without so many transactions. */
  bodiesSince(transactions: number): unknown[] {
    return this.given
      .slice(transactions)
      .flatMap(({ pdus }) => pdus.map(({ content }) => (content as JsonObject).body));
  }

  edus(type: string): JsonObject[] {
    return this.given.flatMap(({ edus }) => edus.filter(({ edu_type }) => edu_type === type)).map((edu) => edu.content);
  }
}

function read({ path, body }: Received): Transaction {
  const { pdus, edus } = body as unknown as Omit<Transaction, 'txnId'>;
  return { txnId: path.replace(SEND, ''), pdus, edus };
}

/** What devices have sent, as sync keeps it. */
class Mailbox implements LeavingDeviceMessages {
  waiting: LeavingDeviceMessage[] = [];
  #count = 0;

  post(sender: string, server: string, messages: JsonObject): void {
    this.#count += 1;
    const named = { messageNid: this.#count, messageId: `m${this.#count}`, eventType: 'm.test' };
    this.waiting.push({ ...named, serverName: server, sender, messagesJson: JSON.stringify(messages) });
  }

  async listLeavingDeviceMessages({ limit }: { limit: number }) {
    return { messages: this.waiting.slice(0, limit) };
  }

  async forgetLeavingDeviceMessages({ messageNids }: { messageNids: number[] }) {
    this.waiting = this.waiting.filter(({ messageNid }) => !messageNids.includes(messageNid));
    return {};
  }
}

export interface DestinationRow extends Record<string, unknown> {
  readonly name: string;
  readonly failures: number;
  readonly isBehind: boolean;
  readonly hasWork: boolean;
  readonly waitMs: number;
  /** Queued. */
  readonly pdus: number;
  /** Missed. */
  readonly rooms: number;
}

/** A replica of the sender. */
export interface Replica {
  readonly sender: Sender;
  /** Its own connections to the database. */
  readonly db: Database;
  stop(): Promise<void>;
  /** It does nothing more, and gives nothing back. */
  kill(): Promise<void>;
}

/** Any number of senders on one database, what they read, and the servers that they send to. */
export class Sending {
  readonly rooms = new WrittenRooms();
  readonly mailbox = new Mailbox();
  readonly keys = new KeptKeys();
  /** The ids of the devices that a user has. */
  readonly devices = new Map<string, readonly string[]>();
  readonly #running: { stop(): Promise<void> }[] = [];

  private constructor(
    readonly db: Database,
    readonly testBus: TestBus,
    private readonly database: TestDatabase,
    private readonly authority: Authority,
    private readonly files: CertificateFiles,
    private readonly key: SigningKey,
  ) {}

  static async create(): Promise<Sending> {
    await ready();
    const [database, authority, testBus] = await Promise.all([
      testDatabase(),
      Authority.create('a network of its own'),
      BUSES[0][1](),
    ]);
    const db = await connect(database.url);
    await migrate(db, federationApiSchema);
    await new PostgresSenderLog(db).saveCursor(0);
    await new PostgresSentKeys(db).saveCursor(0);
    const files = await authority.issue('127.0.0.1');
    return new Sending(db, testBus, database, authority, files, generateSigningKey('o_1'));
  }

  async destination(host = '127.0.0.1'): Promise<Destination> {
    const files = host === '127.0.0.1' ? this.files : await this.authority.issue(host);
    const server = await RemoteServer.start(files, host);
    this.#running.push(server);
    return new Destination(server);
  }

  async start(federation: ConfigInput['federation'] = {}): Promise<Replica> {
    const db = await connect(this.database.url);
    const config = this.#config(federation);
    const agent = new FederationAgent({ config: config.federation, signingKeys: new Map([[OURS, this.key]]) });
    const sender = createSender({
      ...{ db, bus: this.testBus.bus, agent, roomLog: this.rooms, roomIntake: this.rooms.intake },
      ...{ leavingDeviceMessages: this.mailbox, keyLog: this.keys, keysForServers: this.keys },
      devices: { listDevices: async ({ userId }) => ({ devices: this.#devicesOf(userId) }) },
      ...{ serverNames: [OURS], metrics: new Metrics(), logger: createLogger({ level: 'error' }) },
    });
    await sender.start();
    const forget = () => {
      const at = this.#running.indexOf(replica);
      if (at >= 0) this.#running.splice(at, 1);
    };
    const stop = async () => {
      forget();
      await sender.stop();
      await agent.close();
      await db.close();
    };
    const kill = async () => {
      forget();
      await db.close();
      await agent.close();
      await sender.stop().catch(() => {});
    };
    const replica = { sender, db, stop, kill };
    this.#running.push(replica);
    return replica;
  }

  /** Makes what was put off for this server due. */
  async retryNow({ name }: Destination): Promise<void> {
    const text = `UPDATE federation_api.destinations SET retry_at = now() WHERE retry_at > now() AND server_name = $1`;
    await this.db.query({ text, values: [name] });
  }

  /** What is kept of these servers, in the order of their names. */
  async destinations(names: readonly string[]): Promise<DestinationRow[]> {
    const text = `
      SELECT d.server_name AS name, failures, is_behind AS "isBehind", has_work AS "hasWork",
        extract(epoch FROM retry_at - now())::float8 * 1000 AS "waitMs",
        (SELECT count(*)::integer FROM federation_api.queued_pdus q WHERE q.server_name = d.server_name) AS pdus,
        (SELECT count(*)::integer FROM federation_api.missed_rooms m WHERE m.server_name = d.server_name) AS rooms
      FROM federation_api.destinations d WHERE server_name = ANY($1) ORDER BY server_name`;
    return (await this.db.query<DestinationRow>({ text, values: [names] })).rows;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((each) => each.stop()));
    this.#running.length = 0;
  }

  async close(): Promise<void> {
    await this.stopAll();
    await this.testBus.close();
    await this.db.close();
    await this.database.drop();
    this.authority.end();
  }

  #devicesOf(userId: string) {
    return (this.devices.get(userId) ?? []).map((deviceId) => ({ deviceId, createdAtMs: 1 }));
  }

  #config(federation: ConfigInput['federation']): Config {
    const usual = { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: this.files.ca };
    const settings = { server_names: [{ name: OURS }], federation: { ...usual, ...federation } };
    return parseConfig(JSON.stringify(settings), '/');
  }
}

function connect(url: string): Promise<Database> {
  return Database.connect({ url, max: 6, applicationName: 'test', slowStatementMs: 10_000 });
}
