import type { Queryable } from '@ganglion/database';
import type { RoomStore, StateChange } from '../domain/ports/rooms.js';
import { GONE } from '../domain/state/state-node.js';
import type { States } from '../domain/state/states.js';

interface Jump extends Record<string, unknown> {
  room_nid: number;
  from_state_nid: number | null;
  to_state_nid: number;
}

const JUMP = `
  SELECT e.room_nid, d.from_state_nid, d.to_state_nid
  FROM room_server.rooms r JOIN room_server.events e USING (room_nid)
  JOIN room_server.event_details d ON d.room_nid = e.room_nid AND d.event_nid = e.event_nid
  WHERE r.room_id = $1 AND e.room_seq = $2 AND d.to_state_nid IS NOT NULL`;

/** Tells, page by page, how current states changed that went from one to another in one big step. */
export class StateJumps {
  constructor(
    private readonly db: Queryable,
    private readonly states: States,
    private readonly store: RoomStore,
  ) {}

  /** The changes after a key, in the order of the numbers of keys; `nextKey` is set when there are more. @throws Error where there is no such step */
  async page(roomId: string, roomSeq: number, afterKey: number, limit: number) {
    const { rows } = await this.db.query<Jump>({ name: 'state-jump', text: JUMP, values: [roomId, roomSeq] });
    const [jump] = rows;
    if (jump === undefined) throw new Error(`no event ${roomSeq} of ${roomId} changes the state in a big step`);
    const [before, after] = await Promise.all([
      jump.from_state_nid === null ? new Map<number, number>() : this.#entries(jump.room_nid, jump.from_state_nid),
      this.#entries(jump.room_nid, jump.to_state_nid),
    ]);
    const keys = [...new Set([...before.keys(), ...after.keys()])]
      .filter((keyNid) => keyNid > afterKey && before.get(keyNid) !== after.get(keyNid))
      .sort((one, other) => one - other);
    const page = keys.slice(0, limit);
    const changes = await this.#describe(
      jump.room_nid,
      page.map((keyNid) => [keyNid, after.get(keyNid) ?? GONE] as const),
    );
    return { changes, nextKey: keys.length > limit ? page.at(-1) : undefined };
  }

  #entries(roomNid: number, stateNid: number): Promise<Map<number, number>> {
    return this.states.entries(roomNid, stateNid);
  }

  async #describe(roomNid: number, entries: readonly (readonly [number, number])[]): Promise<StateChange[]> {
    const [names, events] = await Promise.all([
      this.store.keyNames(
        roomNid,
        entries.map(([keyNid]) => keyNid),
      ),
      this.store.summaries(
        roomNid,
        entries.map(([, eventNid]) => eventNid),
      ),
    ]);
    return entries.map(([keyNid, eventNid]) => {
      const { eventId = '', membership } = events.get(eventNid) ?? {};
      return { ...names.get(keyNid)!, keyNid, eventNid, eventId, membership };
    });
  }
}
