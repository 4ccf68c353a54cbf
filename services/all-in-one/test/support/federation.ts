import { type RoomIntake, RoomIntakeDefinition } from '@ganglion/contracts/room';
import { Authority, eventually, type FarRoom, FarServer } from '@ganglion/testing';
import { Homeserver, type Replica } from './homeserver.js';
import { Person } from './person.js';

/** A homeserver of two replicas and another server that talks to it. */
export class Neighbours {
  readonly #otherKeys: [name: string, FarServer['key']][] = [];

  private constructor(
    private readonly homeserver: Homeserver,
    private readonly authority: Authority,
    readonly replicas: readonly [Replica, Replica],
    readonly far: FarServer,
  ) {}

  static async meet(): Promise<Neighbours> {
    const homeserver = await Homeserver.create();
    const authority = await Authority.create('the internet');
    const far = await FarServer.start(authority);
    const { ca } = await authority.issue('one.test');
    const settings = { federation: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: ca } };
    const replicas = [await homeserver.start(settings), await homeserver.start(settings)] as const;
    return new Neighbours(homeserver, authority, replicas, far);
  }

  get url(): string {
    return this.replicas[0].url;
  }

  get intake(): RoomIntake {
    return this.replicas[0].offer<RoomIntake>(RoomIntakeDefinition);
  }

  /** One more server, whose users can be in rooms that are made after that. */
  async another(): Promise<FarServer> {
    const other = await FarServer.start(this.authority);
    this.#otherKeys.push([other.name, other.key]);
    return other;
  }

  person(name: string): Promise<Person> {
    return Person.register(this.url, name);
  }

  /** A room that the other server has made, with somebody of ours in it, who has just joined after some things had happened. */
  async farRoom(
    person: Person,
    options: Parameters<FarServer['room']>[0] = {},
    happened: (room: FarRoom) => void = () => {},
  ): Promise<FarRoom> {
    const room = this.far.room(options, [...this.replicas[0].signingKeys, ...this.#otherKeys]);
    happened(room);
    const join = room.member(person.userId, 'join');
    const state = room.writer.events.filter((event) => event !== join && event.pdu.state_key !== undefined);
    const pdusJson = state.map(({ json }) => json);
    const { roomId } = room;
    await this.intake.storeOutliers({ roomId, roomVersion: room.rules.id, pdusJson });
    const stateEventIds = [...join.stateBefore.values()];
    await this.intake.placeWithState({ roomId, pduJson: join.json, stateEventIds, backfill: false });
    await eventually(async () => expect((await timeline(person, roomId)).length).toBeGreaterThan(0), 30_000);
    return room;
  }

  async close(): Promise<void> {
    await this.far.close();
    await this.homeserver.close();
    this.authority.end();
  }
}

export interface ShownEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** The last events of a room, as somebody sees them. */
export async function timeline(person: Person, roomId: string): Promise<ShownEvent[]> {
  const filter = encodeURIComponent('{"room":{"timeline":{"limit":100}}}');
  const { body } = await person.get(`sync?filter=${filter}`);
  return body.rooms?.join?.[roomId]?.timeline.events ?? [];
}

/** Resolves when somebody sees all of these events in a room. */
export async function sees(person: Person, roomId: string, ...eventIds: string[]): Promise<void> {
  await eventually(async () => {
    const seen = (await timeline(person, roomId)).map(({ event_id }) => event_id);
    expect(seen).toEqual(expect.arrayContaining(eventIds));
  }, 60_000);
}
