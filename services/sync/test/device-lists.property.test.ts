import { eventually } from '@ganglion/testing';
import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

type Step =
  | { readonly kind: 'member'; readonly room: number; readonly user: number; readonly membership: string }
  | { readonly kind: 'keys'; readonly user: number };

const USERS = 4;
const ROOMS = 3;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('member' as const),
      room: fc.nat(ROOMS - 1),
      user: fc.nat(USERS - 1),
      membership: fc.constantFrom('join', 'join', 'leave', 'invite', 'ban'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keys' as const), user: fc.nat(USERS - 1) }) },
);
/** What happens between one look and the next. */
const walk = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 5 });

/** Who is in which room, and what of a stretch the users have to be told. */
class Model {
  readonly #joined = Array.from({ length: ROOMS }, () => new Set<number>());
  #before = this.#copy();
  /** Who was in which room all the time. */
  #stayed = this.#copy();
  #keys = new Set<number>();

  apply(step: Step): void {
    if (step.kind === 'keys') {
      this.#keys.add(step.user);
      return;
    }
    const members = this.#joined[step.room]!;
    if (step.membership === 'join') members.add(step.user);
    else {
      members.delete(step.user);
      this.#stayed[step.room]!.delete(step.user);
    }
  }

  look(user: number): { changed: number[]; left: number[] } {
    const share = (rooms: Set<number>[], other: number) => rooms.some((room) => room.has(user) && room.has(other));
    const others = Array.from({ length: USERS }, (_, other) => other).filter((other) => other !== user);
    const changed = others.filter(
      (other) => share(this.#joined, other) && (this.#keys.has(other) || !share(this.#stayed, other)),
    );
    const left = others.filter((other) => share(this.#before, other) && !share(this.#joined, other));
    const hasEntered = this.#joined.some((room, index) => room.has(user) && !this.#stayed[index]!.has(user));
    return { changed: this.#keys.has(user) || hasEntered ? [...changed, user].sort() : changed, left };
  }

  next(): void {
    this.#before = this.#copy();
    this.#stayed = this.#copy();
    this.#keys = new Set();
  }

  #copy(): Set<number>[] {
    return this.#joined.map((room) => new Set(room));
  }
}

describe('whatever happens to rooms and keys', () => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  beforeAll(async () => {
    deployment = await Deployment.create();
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  it('everybody is told exactly whose keys they have to ask for, and whose they can forget', async () => {
    await fc.assert(
      fc.asyncProperty(walk, async (stretches) => {
        const people = Array.from({ length: USERS }, (_, index) =>
          deployment.person(`u${index}`, replicas[index % 2]!),
        );
        const rooms: string[] = [];
        for (let room = 0; room < ROOMS; room++) rooms.push(await deployment.rooms.create());
        const model = new Model();
        await Promise.all(people.map((person) => person.sync()));
        for (const steps of stretches) {
          for (const each of steps) await take(each, people, rooms);
          for (const each of steps) model.apply(each);
          for (const [index, person] of people.entries()) {
            await readable(steps, people, rooms);
            const { changed = [], left = [] } = (await person.sync()).device_lists ?? {};
            const told = (ids: string[]) => ids.map((id) => people.findIndex(({ userId }) => userId === id)).sort();
            expect({ changed: told(changed), left: told(left) }).toEqual(model.look(index));
          }
          model.next();
        }
      }),
      { numRuns: 25 },
    );
  }, 300_000);

  async function take(each: Step, people: Person[], rooms: string[]): Promise<void> {
    const { userId } = people[each.user]!;
    if (each.kind === 'keys') await deployment.keys.change(userId);
    else await deployment.rooms.setMembership(rooms[each.room]!, userId, each.membership);
  }

  /** Resolves once all of it has its position. */
  async function readable(steps: Step[], people: Person[], rooms: string[]): Promise<void> {
    await eventually(async () => {
      for (const { user } of steps.filter(({ kind }) => kind === 'keys')) {
        const { change } = await deployment.keys.getKeyChanges({ userId: people[user]!.userId, afterSeq: 0 });
        const { rows } = await deployment.db.query({
          text: 'SELECT FROM sync.device_lists WHERE user_id = $1 AND seq = $2',
          values: [change!.userId, change!.seq],
        });
        expect(rows).toHaveLength(1);
      }
      for (const roomId of rooms) {
        const { rows } = await deployment.db.query({
          text: 'SELECT room_seq FROM sync.rooms WHERE room_id = $1',
          values: [roomId],
        });
        expect(rows[0]?.room_seq).toBe(deployment.rooms.log(roomId).length);
      }
    });
  }
});
