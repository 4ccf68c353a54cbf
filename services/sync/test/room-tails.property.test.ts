import fc from 'fast-check';
import type { OrderPage } from '../src/domain/ports/read-model.js';
import type { EventPlace } from '../src/domain/timeline-event.js';
import { RoomTails } from '../src/domain/views/room-tails.js';
import { NOTHING } from './support/batches.js';

const ROOM = 7;

const op = fc.oneof(
  // Mostly on the end, sometimes on a branch that was left long ago.
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), back: fc.nat({ max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('backfill' as const), back: fc.nat({ max: 300 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('page' as const),
      direction: fc.constantFrom('backwards' as const, 'forwards' as const),
      from: fc.option(fc.nat({ max: 400 })),
      behind: fc.nat({ max: 40 }),
      limit: fc.integer({ min: 1, max: 150 }),
      /** What is appended while it is read. */
      meanwhile: fc.nat({ max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('next' as const), limit: fc.integer({ min: 1, max: 60 }) }) },
);

/** A room, as the database has it. */
class Room {
  readonly places: EventPlace[] = [];
  position = 0;
  statements = 0;
  #backfilled = 0;
  whileReading: (() => void) | undefined;

  append(back: number): EventPlace {
    const depth = Math.max(
      1,
      Math.max(0, ...this.places.map((place) => place.depth)) + 1 - (back > 20 ? back - 20 : 0),
    );
    return this.#add(depth, ++this.position);
  }

  backfill(back: number): void {
    this.#add(Math.max(0, this.places.length - back), --this.#backfilled);
    this.position += 1;
  }

  async eventsInOrder({ from, upTo, direction, limit }: OrderPage): Promise<EventPlace[]> {
    this.statements += 1;
    const compare = (one: EventPlace, other: Pick<EventPlace, 'depth' | 'position'>) =>
      one.depth - other.depth || one.position - other.position;
    const sorted = this.places.toSorted(compare);
    const found =
      direction === 'forwards'
        ? sorted.filter((place) => compare(place, from) > 0)
        : sorted.filter((place) => compare(place, from) <= 0).reverse();
    const page = found.filter(({ position }) => position <= upTo).slice(0, limit);
    await Promise.resolve();
    this.whileReading?.();
    this.whileReading = undefined;
    return page;
  }

  #add(depth: number, position: number): EventPlace {
    const place = { roomNid: ROOM, position, depth, eventNid: this.places.length + 1, visibility: 'shared' as const };
    this.places.push(place);
    return place;
  }
}

const told = (position: number, rows: Partial<typeof NOTHING>) => ({
  ...NOTHING,
  previousPosition: position - 1,
  position,
  ...rows,
});

it('reads of a room what the database has, whatever comes before, after and meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 250 }), fc.array(op, { maxLength: 40 }), async (existing, ops) => {
      const room = new Room();
      for (let count = 0; count < existing; count++) room.append(0);
      const tails = new RoomTails(room);
      const append = (back: number) => {
        const place = room.append(back);
        tails.apply(told(room.position, { events: [place] }));
      };
      let next = { depth: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };
      const check = async (page: OrderPage, meanwhile: number) => {
        room.whileReading = () => {
          for (let count = 0; count < meanwhile; count++) append(25);
        };
        const found = await tails.page(page, '@who:one.test');
        room.whileReading = undefined;
        expect(found).toEqual(await room.eventsInOrder(page));
        return found;
      };
      for (const step of ops) {
        const upTo = room.position;
        if (step.kind === 'append') append(step.back);
        else if (step.kind === 'backfill') {
          room.backfill(step.back);
          tails.apply(told(room.position, { backfills: [{ roomNid: ROOM, position: room.position }] }));
        } else if (step.kind === 'next') {
          const page = { roomNid: ROOM, from: next, upTo, direction: 'backwards' as const, limit: step.limit };
          const last = (await check(page, 0)).at(-1);
          if (last !== undefined) next = { depth: last.depth, position: last.position - 1 };
        } else {
          const { direction, limit } = step;
          const far = { depth: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };
          const from = step.from === null ? far : { depth: step.from, position: step.from };
          await check({ roomNid: ROOM, from, upTo: upTo - step.behind, direction, limit }, step.meanwhile);
        }
      }
    }),
    { numRuns: 300 },
  );
});

it('asks for the end of a room once, however often it is read and whatever is said meanwhile', async () => {
  const room = new Room();
  for (let count = 0; count < 300; count++) room.append(0);
  const tails = new RoomTails(room);
  const far = { depth: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };
  for (let count = 0; count < 10; count++) {
    const page = { roomNid: ROOM, from: far, upTo: room.position, direction: 'backwards' as const, limit: 50 };
    expect(await tails.page(page, '@who:one.test')).toHaveLength(50);
    tails.apply(told(room.position + 1, { events: [room.append(0)] }));
  }
  expect(room.statements).toBe(1);
});
