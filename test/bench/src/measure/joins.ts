import { closedLoop, forCount } from '../load/loop.ts';
import { join } from '../load/matrix.ts';
import { at, pooled, rotated } from '../load/scene.ts';
import { type Measure, observe } from './measure.ts';

const inFlight = 16;

/** The order in which people join rooms: those in flight together are in one room, or each in another. */
export function joinOrder(people: number, rooms: number, spread: boolean): { person: number; room: number }[] {
  const each = (count: number) => Array.from({ length: count }, (_, n) => n);
  if (!spread) return each(rooms).flatMap((room) => each(people).map((person) => ({ person, room })));
  return each(people).flatMap((person) => rotated(each(rooms), person).map((room) => ({ person, room })));
}

function joins(id: 'joins-one' | 'joins-many', title: string): Measure {
  return {
    id,
    title,
    headline: 'rate',
    warmUp: false,
    async run(setting) {
      const { scene } = setting;
      const [maker, ...people] = await scene.crowd();
      if (!maker) throw new Error('nobody is there to make a room');
      const spread = id === 'joins-many';
      const count = scene.plan.joinRooms * (spread ? 4 : 1);
      const rooms = await pooled(4, count, () => scene.emptyRoom(maker));
      const order = joinOrder(people.length, rooms.length, spread).slice(0, people.length * scene.plan.joinRooms);
      const step = (_slot: number, n: number) => {
        const { person, room } = at(order, n);
        return join(scene.client, at(people, person), at(rooms, room));
      };
      return observe(setting, () => closedLoop(inFlight, forCount(order.length), step));
    },
  };
}

export const joinMeasures: Measure[] = [
  joins('joins-one', `joins into one room, ${inFlight} in flight`),
  joins('joins-many', `joins into many rooms, ${inFlight} in flight`),
];
