import { isValidUserId, parseUserId } from '@ganglion/protocol';

/** A server name of this deployment, and the host at which its clients reach it when that is another one. */
export interface LocalServer {
  readonly name: string;
  readonly clientHost?: string;
}

/** The server names that this deployment hosts: a set, of which the first serves requests for unknown hosts. */
export class LocalServers {
  readonly #names: ReadonlySet<string>;
  readonly #byHost = new Map<string, string>();
  readonly #first: string;

  constructor(servers: readonly [LocalServer, ...LocalServer[]]) {
    this.#first = servers[0].name;
    this.#names = new Set(servers.map(({ name }) => name));
    for (const { name, clientHost } of servers) if (clientHost) this.#byHost.set(clientHost.toLowerCase(), name);
    for (const name of this.#names) this.#byHost.set(name.toLowerCase(), name);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The server name that a request to this host (with or without its port) is for. */
  forHost(host: string | undefined): string {
    const wanted = host?.toLowerCase() ?? '';
    return this.#byHost.get(wanted) ?? this.#byHost.get(wanted.replace(/:\d+$/, '')) ?? this.#first;
  }

  /**
   * The user ids that somebody may mean who logs in with a user id or a localpart: as written, and in lower case.
   * Empty when it cannot be a user of ours.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#matrix-user-id
   */
  candidates(user: string, serverName: string): string[] {
    const meant = user.startsWith('@') ? user : `@${user}:${serverName}`;
    if (!isValidUserId(meant)) return [];
    const { localpart, serverName: server } = parseUserId(meant);
    if (!this.has(server)) return [];
    return [...new Set([localpart, lowerCased(localpart)])].map((name) => `@${name}:${server}`);
  }
}

/** In ASCII only: no other letter may turn into one that a localpart can have. */
export function lowerCased(localpart: string): string {
  return localpart.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
