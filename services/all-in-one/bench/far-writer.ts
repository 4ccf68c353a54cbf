import { randomUUID } from 'node:crypto';
import { hashAndSignEvent, type JsonObject, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import type { FarServer } from '@ganglion/testing';

export interface Written {
  readonly eventId: string;
  readonly pdu: JsonObject;
}

type Body = Readonly<{ type: string; sender: string; state_key?: string; content: JsonObject }>;

/** A room of another server, written without looking at its state, so that it may be large. */
export class FarWriter {
  readonly rules: RoomVersionRules;
  readonly roomId: string;
  /** In the order in which they were written. */
  readonly state: Written[] = [];
  last: Written;
  readonly #creator: string;
  readonly #essential: Written[] = [];
  #depth = 0;

  constructor(
    private readonly far: FarServer,
    readonly version = '12',
  ) {
    this.rules = roomVersionRules(version)!;
    this.#creator = far.user('creator');
    // Rooms that are made in the same millisecond are others.
    const content = { room_version: version, 'test.nonce': randomUUID() };
    const create = this.#sign({ type: 'm.room.create', sender: this.#creator, state_key: '', content }, [], []);
    this.state.push(create);
    this.last = create;
    this.roomId = `!${create.eventId.slice(1)}`;
    const own = { sender: this.#creator };
    const joined = this.#keep({
      ...own,
      type: 'm.room.member',
      state_key: this.#creator,
      content: { membership: 'join' },
    });
    this.#essential.push(joined);
    this.#essential.push(this.#keep({ ...own, type: 'm.room.power_levels', state_key: '', content: {} }));
    const rules = { join_rule: 'public' };
    this.#essential.push(this.#keep({ ...own, type: 'm.room.join_rules', state_key: '', content: rules }));
  }

  /** What authorises whoever joins, and that. */
  get chain(): readonly Written[] {
    return this.state.slice(0, 4);
  }

  /** Somebody joins. @param of the server that they are of */
  join(userId: string, of = this.far): Written {
    const [, levels, rules] = this.#essential;
    const body = { type: 'm.room.member', sender: userId, state_key: userId, content: { membership: 'join' } };
    return this.#keep(body, [levels!, rules!], of);
  }

  /** What a user of ours may sign to join. */
  template(userId: string): JsonObject {
    const [, levels, rules] = this.#essential;
    const body = { type: 'm.room.member', sender: userId, state_key: userId, content: { membership: 'join' } };
    return { ...body, ...this.#place([this.last], [levels!, rules!]) } as unknown as JsonObject;
  }

  /** The creator says something after the event that was written last, or after another one. */
  say(text: string, after = this.last): Written {
    const [joined, levels] = this.#essential;
    const content = { msgtype: 'm.text', body: text };
    const said = this.#sign({ type: 'm.room.message', sender: this.#creator, content }, [after], [joined!, levels!]);
    this.last = said;
    return said;
  }

  #keep(body: Body, auth: readonly Written[] = this.#essential, of = this.far): Written {
    const written = this.#sign(body, [this.last], auth, of);
    this.state.push(written);
    this.last = written;
    return written;
  }

  #place(prevs: readonly Written[], auth: readonly Written[]) {
    const ids = (events: readonly Written[]) => events.map(({ eventId }) => eventId);
    const room = prevs.length === 0 ? {} : { room_id: this.roomId };
    return {
      ...room,
      prev_events: ids(prevs),
      auth_events: ids(auth),
      depth: this.#depth,
      origin_server_ts: Date.now(),
    };
  }

  #sign(body: Body, prevs: readonly Written[], auth: readonly Written[], of = this.far): Written {
    this.#depth += 1;
    const draft = { ...body, ...this.#place(prevs, auth) };
    const { eventId, pdu } = hashAndSignEvent(draft as never, this.rules, of.name, of.key);
    return { eventId, pdu: pdu as unknown as JsonObject };
  }
}
