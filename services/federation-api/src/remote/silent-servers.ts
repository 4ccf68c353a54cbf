import { MatrixError } from '@ganglion/contracts';
import { UnreachableServerError } from '@ganglion/federation';

const FIRST_MS = 5_000;
const LONGEST_MS = 60_000;
const MOST_SERVERS = 10_000;

interface Silence {
  readonly lasts: number;
  readonly until: number;
}

/**
 * Servers that did not answer a moment ago. Whoever asks many servers on behalf of a user, who waits, does not ask these again for a
 * while: first for seconds, and as long as they stay silent for up to a minute. Each replica finds that out for itself.
 */
export class SilentServers {
  readonly #silences = new Map<string, Silence>();

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** Does what asks a server. @throws MatrixError with 504 while it is taken for silent; whatever the work fails with */
  async ask<T>(serverName: string, work: () => Promise<T>): Promise<T> {
    const silence = this.#silences.get(serverName);
    if (silence !== undefined && this.nowMs() < silence.until) {
      throw new MatrixError(504, 'M_UNKNOWN', `${serverName} did not answer a moment ago`);
    }
    try {
      const answer = await work();
      this.#silences.delete(serverName);
      return answer;
    } catch (error) {
      if (error instanceof UnreachableServerError) this.#remember(serverName, silence);
      else this.#silences.delete(serverName);
      throw error;
    }
  }

  #remember(serverName: string, before: Silence | undefined): void {
    const lasts = Math.min(before === undefined ? FIRST_MS : before.lasts * 2, LONGEST_MS);
    // The one that was noted last is at the end: the first of all goes when there are too many.
    this.#silences.delete(serverName);
    this.#silences.set(serverName, { lasts, until: this.nowMs() + lasts });
    const [oldest] = this.#silences.keys();
    if (this.#silences.size > MOST_SERVERS && oldest !== undefined) this.#silences.delete(oldest);
  }
}
