import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

/** Paths of PEM files: a certificate with its chain, its private key, and the authority that the other side is measured by. */
export interface PemFiles {
  readonly ca?: string | undefined;
  readonly cert: string;
  readonly key: string;
}

/** What the files hold. */
export interface Pem {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Files may lie on a mounted secret, where changes are links that turn: only looking tells. */
const LOOK_EVERY_MS = 2_000;

/**
 * Certificate files that are renewed while the process runs. New ones count once they can be read and belong together; until
 * then the old ones go on.
 */
export class RenewedPem {
  readonly #listeners = new Set<(pem: Pem) => void>();
  #current: Pem;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #fault: string | undefined;

  /**
   * @param onFault told, once, why new files do not count
   * @throws Error when a file cannot be read, or certificate and key do not belong together
   */
  constructor(
    private readonly files: PemFiles,
    private readonly onFault: (error: Error) => void = () => {},
  ) {
    const { ca, cert, key } = files;
    const pem = {
      ca: ca === undefined ? undefined : readFileSync(ca),
      cert: readFileSync(cert),
      key: readFileSync(key),
    };
    createSecureContext(pem);
    this.#current = pem;
  }

  get current(): Pem {
    return this.#current;
  }

  /** Calls the listener with what the files hold whenever that changes; returns how to take that back. */
  watch(listener: (pem: Pem) => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const pem = await this.#read();
      if (!isSame(pem, this.#current)) this.#renew(pem);
      this.#fault = undefined;
    } catch (error) {
      this.#complain(error as Error);
    }
    this.#looking = false;
  }

  async #read(): Promise<Pem> {
    const { ca, cert, key } = this.files;
    const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path));
    const [authority, chain, privateKey] = await Promise.all([read(ca), readFile(cert), readFile(key)]);
    return { ca: authority, cert: chain, key: privateKey };
  }

  #renew(pem: Pem): void {
    createSecureContext(pem);
    this.#current = pem;
    for (const listener of this.#listeners) listener(pem);
  }

  #complain(error: Error): void {
    if (error.message === this.#fault) return;
    this.#fault = error.message;
    this.onFault(error);
  }
}

function isSame(one: Pem, other: Pem): boolean {
  const sameAuthority =
    one.ca === other.ca || (one.ca !== undefined && other.ca !== undefined && one.ca.equals(other.ca));
  return sameAuthority && one.cert.equals(other.cert) && one.key.equals(other.key);
}
