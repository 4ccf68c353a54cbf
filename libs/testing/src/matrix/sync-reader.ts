import { persistently } from './http.js';
import type { MatrixUser } from './matrix-user.js';

/** An event as clients get it. */
export interface ClientEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly unsigned?: Readonly<Record<string, unknown>>;
}

export interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, { readonly timeline: Timeline }>>;
    readonly invite?: Readonly<Record<string, unknown>>;
    readonly leave?: Readonly<Record<string, { readonly timeline: Timeline }>>;
  };
}

interface Timeline {
  readonly events: readonly ClientEvent[];
  readonly limited?: boolean;
  readonly prev_batch?: string;
}

interface Page {
  readonly chunk: readonly ClientEvent[];
  readonly end?: string;
}

const POLL_MS = 20_000;
const PAGE = 100;
const FILTER = JSON.stringify({ room: { timeline: { limit: PAGE } } });

/**
 * Somebody who reads along: follows /sync from token to token, fetches what a limited timeline leaves out, and tries again
 * when a request fails. Keeps what it has read in the order in which it came, even what came twice.
 */
export class SyncReader {
  since: string | undefined;
  readonly #timelines = new Map<string, ClientEvent[]>();

  constructor(readonly user: MatrixUser) {}

  /** Everything read of a room so far. */
  timeline(roomId: string): readonly ClientEvent[] {
    return this.#timelines.get(roomId) ?? [];
  }

  /** One request for what is new, which waits for it; the reader does not move before it has all of it. */
  async read(signal?: AbortSignal, timeout = POLL_MS): Promise<SyncAnswer> {
    const { since } = this;
    const query = { since, filter: FILTER, timeout: since === undefined ? 0 : timeout };
    const answer = await persistently(() => this.user.call<SyncAnswer>('GET', 'sync', { query, signal }), signal);
    const sections = [...Object.entries(answer.rooms?.join ?? {}), ...Object.entries(answer.rooms?.leave ?? {})];
    const news = await Promise.all(
      sections.map(async ([roomId, { timeline }]) => [roomId, await this.#complete(roomId, timeline)] as const),
    );
    for (const [roomId, events] of news) this.#timelines.set(roomId, [...this.timeline(roomId), ...events]);
    this.since = answer.next_batch;
    return answer;
  }

  /** Reads on until the signal is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.read(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** Reads on until something is true. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await this.read();
  }

  /** A timeline with what it left out in front of it. */
  async #complete(roomId: string, { events, limited, prev_batch }: Timeline): Promise<readonly ClientEvent[]> {
    if (!limited || this.since === undefined) return events;
    const missed: ClientEvent[] = [];
    for (let from = prev_batch; from !== undefined; ) {
      const query = { dir: 'b', from, to: this.since, limit: PAGE };
      const path = `rooms/${encodeURIComponent(roomId)}/messages`;
      const page: Page = await persistently(() => this.user.call<Page>('GET', path, { query }));
      missed.push(...page.chunk);
      from = page.end;
    }
    return [...missed.reverse(), ...events];
  }
}
