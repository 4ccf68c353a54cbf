import type { Plan, Target } from '../types.ts';
import { type Account, logIn, makeAccount } from './account.ts';
import type { Client, Reply } from './client.ts';
import { createRoom, join, sendMessage } from './matrix.ts';

/** A room and who is in it; the first has made it. */
export interface Room {
  id: string;
  members: Account[];
}

/** The accounts and rooms of one homeserver, each kind made when a measurement first asks for it. */
export class Scene {
  readonly client: Client;
  readonly target: Target;
  readonly plan: Plan;
  readonly #run = Date.now().toString(36);
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(client: Client, target: Target, plan: Plan) {
    this.client = client;
    this.target = target;
    this.plan = plan;
  }

  /** Accounts that write, read each other at once, and join rooms. */
  crowd(): Promise<Account[]> {
    return this.#once('crowd', () => this.#accounts('crowd', this.plan.readers + 1));
  }

  /** Accounts that are in every room of the village and nowhere else. */
  villagers(): Promise<Account[]> {
    return this.#once('villagers', () => this.#accounts('villager', this.plan.villagers));
  }

  /** Many small rooms, of two members each. */
  plots(): Promise<Room[]> {
    return this.#once('plots', async () => {
      const crowd = await this.crowd();
      return pooled(4, this.plan.plots, (n) => this.#room([at(crowd, n), at(crowd, n + 1)]));
    });
  }

  /** One room of the whole crowd, for whom it is enough that much is said. */
  square(): Promise<Room> {
    return this.#once('square', async () => this.#room(await this.crowd()));
  }

  /** Another one, for those who listen: no unread thousands from the square lie in their way. */
  hall(): Promise<Room> {
    return this.#once('hall', async () => this.#room(await this.crowd()));
  }

  /** The rooms of the village, with all villagers in them and some talk to look back on. */
  village(): Promise<Room[]> {
    return this.#once('village', async () => {
      const people = await this.villagers();
      const rooms = await pooled(4, this.plan.villageRooms, (n) => this.#room(rotated(people, n)));
      const total = rooms.length * this.plan.villageMessages;
      await pooled(8, total, (n) => this.say(at(rooms, n), n));
      return rooms;
    });
  }

  /** Somebody who is alone in so many rooms. */
  loner(rooms: number): Promise<Room[]> {
    return this.#once(`loner in ${rooms} rooms`, async () => {
      const [loner] = await this.#accounts(`loner-${rooms}`, 1);
      return pooled(4, rooms, () => this.#room([loner as Account]));
    });
  }

  /** A room of very many. */
  throng(): Promise<Room> {
    return this.#once('throng', async () => this.#room(await this.#accounts('thronger', this.plan.throng)));
  }

  /** Accounts with some devices each, of which the first is theirs here; something is done with every device. */
  keyOwners(devices: number, prepare: (device: Account) => Promise<void>): Promise<Account[]> {
    return this.#once('key owners', async () => {
      const owners = await this.#accounts('owner', this.plan.keyOwners);
      await pooled(4, owners.length, async (n) => {
        const owner = at(owners, n);
        await prepare(owner);
        for (let more = 1; more < devices; more++) await prepare(await logIn(this.client, owner));
      });
      return owners;
    });
  }

  /** A room only its maker is in. */
  async emptyRoom(maker: Account): Promise<string> {
    return createRoom(this.client, maker, this.target.roomVersion);
  }

  /** Has a member of a room say something, and insists that it is heard. */
  async say(room: Room, n: number): Promise<void> {
    insist(await sendMessage(this.client, at(room.members, n), room.id), 'a message');
  }

  async #room(members: Account[]): Promise<Room> {
    const id = await this.emptyRoom(at(members, 0));
    await pooled(4, members.length - 1, async (n) => insist(await join(this.client, at(members, n + 1), id), 'a join'));
    return { id, members };
  }

  #accounts(kind: string, count: number): Promise<Account[]> {
    return pooled(4, count, (n) => makeAccount(this.client, this.target, `bench-${this.#run}-${kind}-${n}`));
  }

  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = (this.#made.get(name) as Promise<T> | undefined) ?? make();
    this.#made.set(name, made);
    return made;
  }
}

/** An element of a list that is gone round and round. */
export function at<T>(list: readonly T[], n: number): T {
  return list[n % list.length] as T;
}

/** The list, begun at another of its elements. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** Does something `count` times, `width` of them at once; the first failure ends it. */
export async function pooled<T>(width: number, count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) done[n] = await work(n);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return done;
}

/** @throws Error when the server did not do what the rest depends on */
export function insist(reply: Reply, what: string): void {
  if (reply.status === 200) return;
  throw new Error(`${what} was answered with ${reply.status}: ${reply.body.toString().slice(0, 200)}`);
}
