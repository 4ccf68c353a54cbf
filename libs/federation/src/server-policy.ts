import type { Config } from '@ganglion/config';
import { GlobSet, isValidServerName, parseServerName } from '@ganglion/protocol';

/** Which servers we have to do with, as the operator wants it. */
export class ServerPolicy {
  readonly #enabled: boolean;
  readonly #allowed: GlobSet | undefined;
  readonly #denied: GlobSet;

  constructor({ enabled, allowed_domains, denied_domains }: Config['federation']) {
    const lowered = (globs: readonly string[]) => new GlobSet(globs.map((glob) => glob.toLowerCase()));
    this.#enabled = enabled;
    this.#allowed = allowed_domains && lowered(allowed_domains);
    this.#denied = lowered(denied_domains);
  }

  /** False for what is no server name, too. */
  allows(serverName: string): boolean {
    if (!this.#enabled || !isValidServerName(serverName)) return false;
    const domain = parseServerName(serverName).hostname.toLowerCase();
    return !this.#denied.has(domain) && (this.#allowed?.has(domain) ?? true);
  }
}
