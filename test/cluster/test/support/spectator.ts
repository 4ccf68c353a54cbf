import { type ClientEvent, type MatrixUser, persistently } from '@ganglion/testing';

interface Section {
  readonly timeline: {
    readonly events: readonly ClientEvent[];
    readonly limited?: boolean;
    readonly prev_batch?: string;
  };
  readonly state_after?: { readonly events: readonly ClientEvent[] };
}

interface Answer {
  readonly next_batch: string;
  readonly rooms?: { readonly join?: Readonly<Record<string, Section>>; readonly leave?: object };
}

interface Page {
  readonly chunk: readonly ClientEvent[];
  readonly end?: string;
}

const FILTER = JSON.stringify({ room: { timeline: { limit: 100 } } });
const PAGE = 7;

/** Somebody who follows /sync and keeps of each room what came, in its order, and the state as they were told of it. */
export class Spectator {
  #since: string | undefined;
  readonly #timelines = new Map<string, string[]>();
  /** What was found in the gaps of rooms, which may also come by itself later. */
  readonly #gaps = new Map<string, Set<string>>();
  readonly #states = new Map<string, Map<string, string>>();

  constructor(private readonly user: MatrixUser) {}

  get userId(): string {
    return this.user.userId;
  }

  /** Whether there was a gap in the timeline of a room, as where something was missing before what came: it was scrolled through. */
  hadGap(roomId: string): boolean {
    return this.#gaps.has(roomId);
  }

  /** The ids of all events that came in a timeline, as often as they did, and of those that were found in its gaps. */
  timeline(roomId: string): readonly string[] {
    return this.#timelines.get(roomId) ?? [];
  }

  /** The ids of the events of the state by type and state key, with a blank between them. */
  state(roomId: string): ReadonlyMap<string, string> {
    return this.#states.get(roomId) ?? new Map();
  }

  /** Reads on until the signal is aborted. @throws Error when a room is left */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#read(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const since = this.#since;
    const query = { since, filter: FILTER, use_state_after: true, timeout: since === undefined ? 0 : 5_000 };
    const answer = await persistently(() => this.user.call<Answer>('GET', 'sync', { query, signal }), signal);
    for (const roomId of Object.keys(answer.rooms?.leave ?? {})) throw new Error(`${roomId} is left`);
    for (const [roomId, section] of Object.entries(answer.rooms?.join ?? {})) await this.#take(roomId, section);
    this.#since = answer.next_batch;
  }

  async #take(roomId: string, { timeline, state_after }: Section): Promise<void> {
    const missed = timeline.limited ? await this.#inGap(roomId, timeline.prev_batch) : [];
    const found = this.#gaps.get(roomId);
    const came = timeline.events.map(({ event_id }) => event_id).filter((id) => !found?.has(id));
    this.#timelines.set(roomId, [...this.timeline(roomId), ...missed, ...came]);
    const state = this.#states.get(roomId) ?? new Map<string, string>();
    for (const event of state_after?.events ?? []) state.set(`${event.type} ${event.state_key}`, event.event_id);
    this.#states.set(roomId, state);
  }

  /** What is found by scrolling up from a gap, and was not told before. */
  async #inGap(roomId: string, from: string | undefined): Promise<string[]> {
    if (from === undefined) throw new Error(`the timeline of ${roomId} has a gap that leads nowhere`);
    const known = new Set(this.timeline(roomId));
    const missed = (await this.messages(roomId, 'b', from)).filter((id) => !known.has(id)).reverse();
    this.#gaps.set(roomId, new Set([...(this.#gaps.get(roomId) ?? []), ...missed]));
    return missed;
  }

  /** All of a room's events, page by page from one end to the other. */
  async messages(roomId: string, dir: 'b' | 'f', begin?: string): Promise<string[]> {
    const found: string[] = [];
    for (let from = begin, isFirst = true; isFirst || from !== undefined; isFirst = false) {
      const path = `rooms/${encodeURIComponent(roomId)}/messages`;
      const query = { dir, from, limit: PAGE };
      const page: Page = await persistently(() => this.user.call<Page>('GET', path, { query }));
      found.push(...page.chunk.map(({ event_id }) => event_id));
      from = page.chunk.length === 0 ? undefined : page.end;
    }
    return found;
  }
}
