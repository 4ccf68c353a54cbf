import type { FederationAgent } from '@ganglion/federation';
import { isValidEventId, type JsonObject, type JsonValue } from '@ganglion/protocol';
import type { Asked, MissingBetween, NearTime, RemoteEvents } from '../domain/ports/incoming.js';

const PREFIX = '/_matrix/federation/v1';
/** The state of a large room with all that authorises it. */
const MAX_STATE_BYTES = 256 * 1_048_576;
const STATE_TIMEOUT_MS = 120_000;
/** Somebody waits, and others may be asked. */
const BACKFILL_TIMEOUT_MS = 8_000;
const NEAREST_TIMEOUT_MS = 4_000;
/** More ids than this are of no room that could be kept in memory. */
const MOST_IDS = 500_000;

/** What other servers tell of events, over HTTP. What is not of the form that it should have counts as not told. */
export class HttpRemoteEvents implements RemoteEvents {
  constructor(private readonly agent: FederationAgent) {}

  async missingEvents(asked: Asked, { earliest, latest, limit }: MissingBetween): Promise<readonly unknown[]> {
    const body = { earliest_events: [...earliest], latest_events: [...latest], limit, min_depth: 0 };
    const answer = await this.#ask(asked, 'POST', `get_missing_events/${encodeURIComponent(asked.roomId)}`, { body });
    return listOf(answer.events);
  }

  async backfill(asked: Asked, from: readonly string[], limit: number): Promise<readonly unknown[]> {
    const query = new URLSearchParams([...from.map((id) => ['v', id]), ['limit', String(limit)]]);
    const path = `backfill/${encodeURIComponent(asked.roomId)}?${query}`;
    return listOf((await this.#ask(asked, 'GET', path, { timeoutMs: BACKFILL_TIMEOUT_MS })).pdus);
  }

  async stateIds(asked: Asked, eventId: string) {
    const answer = await this.#ask(asked, 'GET', `state_ids/${stateOf(asked, eventId)}`, {
      maxBytes: MAX_STATE_BYTES,
      timeoutMs: STATE_TIMEOUT_MS,
    });
    return { state: idsOf(answer.pdu_ids), authChain: idsOf(answer.auth_chain_ids) };
  }

  async state(asked: Asked, eventId: string): Promise<readonly unknown[]> {
    const answer = await this.#ask(asked, 'GET', `state/${stateOf(asked, eventId)}`, {
      maxBytes: MAX_STATE_BYTES,
      timeoutMs: STATE_TIMEOUT_MS,
    });
    return [...listOf(answer.auth_chain), ...listOf(answer.pdus)];
  }

  async eventAuth(asked: Asked, eventId: string): Promise<readonly unknown[]> {
    const path = `event_auth/${encodeURIComponent(asked.roomId)}/${encodeURIComponent(eventId)}`;
    return listOf((await this.#ask(asked, 'GET', path, { maxBytes: MAX_STATE_BYTES })).auth_chain);
  }

  async event(asked: Asked, eventId: string): Promise<unknown> {
    const answer = await this.#ask(asked, 'GET', `event/${encodeURIComponent(eventId)}`);
    return listOf(answer.pdus)[0];
  }

  async nearestTo(asked: Asked, { ts, backwards }: NearTime): Promise<string | undefined> {
    const query = `ts=${ts}&dir=${backwards ? 'b' : 'f'}`;
    const path = `timestamp_to_event/${encodeURIComponent(asked.roomId)}?${query}`;
    const { event_id: eventId } = await this.#ask(asked, 'GET', path, { timeoutMs: NEAREST_TIMEOUT_MS });
    return typeof eventId === 'string' && isValidEventId(eventId) ? eventId : undefined;
  }

  #ask({ server, as, deadline }: Asked, method: 'GET' | 'POST', path: string, more: More = {}): Promise<JsonObject> {
    const leftMs = deadline === undefined ? undefined : Math.max(1, deadline - Date.now());
    const limits = leftMs === undefined ? more : { ...more, timeoutMs: Math.min(leftMs, more.timeoutMs ?? leftMs) };
    return this.agent.request({ origin: as, destination: server, method, path: `${PREFIX}/${path}`, ...limits });
  }
}

interface More {
  readonly body?: JsonObject;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

function stateOf({ roomId }: Asked, eventId: string): string {
  return `${encodeURIComponent(roomId)}?event_id=${encodeURIComponent(eventId)}`;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function idsOf(value: JsonValue | undefined): string[] {
  return listOf(value)
    .slice(0, MOST_IDS)
    .filter((id): id is string => isValidEventId(id));
}
