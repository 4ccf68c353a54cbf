import { type Reply, readJson } from '../load/client.ts';
import { closedLoop, forSeconds } from '../load/loop.ts';
import { messages } from '../load/matrix.ts';
import { at } from '../load/scene.ts';
import { type Measure, observe } from './measure.ts';

const inFlight = 8;
const pageSize = 25;
/** Every room of the village has this many full pages. */
const pages = 2;

/** Scrolling back: each reader turns two pages in a room, then goes on to the next. */
export const history: Measure = {
  id: 'messages',
  title: `pages of ${pageSize} messages, ${inFlight} in flight`,
  headline: 'rate',
  warmUp: true,
  async run(setting) {
    const { scene, seconds } = setting;
    const rooms = await scene.village();
    const people = await scene.villagers();
    const turned = Array.from({ length: inFlight }, (_, slot) => ({ room: slot, page: 0, from: '' }));
    const step = async (slot: number): Promise<Reply> => {
      const place = at(turned, slot);
      const reply = await messages(scene.client, at(people, slot), at(rooms, place.room).id, pageSize, place.from);
      place.page += 1;
      place.from = place.page < pages ? String(readJson(reply).end ?? '') : '';
      if (place.from === '') Object.assign(place, { room: place.room + inFlight, page: 0 });
      return reply;
    };
    return observe(setting, () => closedLoop(inFlight, forSeconds(seconds), step));
  },
};
