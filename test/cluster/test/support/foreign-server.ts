import {
  type PduOutcome,
  type RoomIntake,
  RoomIntakeDefinition,
  type RoomLog,
  RoomLogDefinition,
} from '@ganglion/contracts/room';
import {
  authTypesForEvent,
  buildEvent,
  type EventDraft,
  hashAndSignEvent,
  type Pdu,
  type RoomVersionRules,
  roomVersionRules,
  type SigningKey,
  type StateTuple,
  signingKeyFromSeed,
  stateTuple,
} from '@ganglion/protocol';
import { createRpcClient, parseEndpoints } from '@ganglion/rpc';
import type { Replica } from '@ganglion/testing';

type Closing<T> = T & { close(): Promise<void> };

export interface Written {
  readonly eventId: string;
  readonly pdu: Pdu;
  readonly json: string;
}

/** What an event says of its place, where that is not what the server knows of the room. */
export interface Claims {
  readonly after?: string;
  readonly authEvents?: readonly string[];
}

/** The room as it was after one of its events. */
interface Moment {
  readonly depth: number;
  readonly state: ReadonlyMap<StateTuple, string>;
}

/**
 * A server elsewhere whose users are in a room. It knows the room by its log, and sends to the room-servers what it likes,
 * as if whoever takes transactions of other servers had verified its signatures.
 */
export class ForeignServer {
  readonly #key: SigningKey = signingKeyFromSeed('1', new Uint8Array(32).fill(9));
  readonly #moments = new Map<string, Moment>();
  #last = '';
  #seq = 0;
  #turn = 0;

  private constructor(
    readonly roomId: string,
    readonly rules: RoomVersionRules,
    private readonly intakes: readonly Closing<RoomIntake>[],
    private readonly log: Closing<RoomLog>,
    readonly name: string,
  ) {}

  static async in(roomId: string, roomServers: readonly Replica[], name = 'elsewhere.example'): Promise<ForeignServer> {
    const resolvers = roomServers.map(({ rpc }) => ({ resolver: parseEndpoints([rpc]) }));
    const intakes = resolvers.map((to) => createRpcClient<RoomIntake>(RoomIntakeDefinition, to));
    const log = createRpcClient<RoomLog>(RoomLogDefinition, resolvers[0]!);
    const { events } = await log.getRoomEvents({ roomId, afterSeq: 0, limit: 1, backfilled: false });
    const server = new ForeignServer(roomId, roomVersionRules(events!.roomVersion)!, intakes, log, name);
    await server.learn();
    return server;
  }

  user(name: string): string {
    return `@${name}:${this.name}`;
  }

  /** The last event that the server knows of the room. */
  get last(): string {
    return this.#last;
  }

  /** The event that the room has now for a pair of type and state key. */
  stateEvent(type: string, stateKey: string): string {
    return this.#moments.get(this.#last)!.state.get(stateTuple(type, stateKey))!;
  }

  /** Reads what was accepted since. */
  async learn(): Promise<void> {
    const query = { roomId: this.roomId, afterSeq: this.#seq, limit: 1_000, backfilled: false };
    for (const { roomSeq, eventId, pduJson } of (await this.log.getRoomEvents(query)).events?.events ?? []) {
      const { type, state_key, depth } = JSON.parse(pduJson) as Pdu;
      const state = new Map(this.#moments.get(this.#last)?.state);
      if (state_key !== undefined) state.set(stateTuple(type, state_key), eventId);
      this.#moments.set(eventId, { depth, state });
      this.#last = eventId;
      this.#seq = roomSeq;
    }
  }

  /** The auth events that are due at a moment of the room. */
  authEvents({ type, sender, state_key, content }: Omit<EventDraft, 'origin_server_ts'>, after = this.#last): string[] {
    const outline = { type, sender, content, ...(state_key !== undefined && { state_key }) };
    const { state } = this.#moments.get(after)!;
    return authTypesForEvent(outline, this.rules).flatMap(([each, key]) => state.get(stateTuple(each, key)) ?? []);
  }

  /** Makes an event that follows on the last one that the server knows. */
  write(draft: Omit<EventDraft, 'origin_server_ts'>, { after = this.#last, authEvents }: Claims = {}): Written {
    const place = {
      ...{ roomId: this.roomId, prev_events: [after], auth_events: authEvents ?? this.authEvents(draft, after) },
      depth: (this.#moments.get(after)?.depth ?? 0) + 1,
    };
    const unsigned = buildEvent({ ...draft, origin_server_ts: Date.now() }, place, this.rules);
    const { eventId, pdu } = hashAndSignEvent(unsigned, this.rules, this.name, this.#key);
    return { eventId, pdu, json: JSON.stringify(pdu) };
  }

  /** Sends PDUs to one room-server or the other, and says what became of each. */
  async send(...pdusJson: readonly string[]): Promise<PduOutcome[]> {
    const intake = this.intakes[this.#turn++ % this.intakes.length]!;
    return (await intake.receivePdus({ roomId: this.roomId, pdusJson: [...pdusJson], backfill: false })).outcomes;
  }

  async close(): Promise<void> {
    await Promise.all([this.log, ...this.intakes].map((client) => client.close()));
  }
}
