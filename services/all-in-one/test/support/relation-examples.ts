import type { Example, MakeExample, Scene } from './scene.js';

const related = ({ roomId, eventId }: Scene): Example => ({
  params: { roomId, eventId, relType: 'm.thread', eventType: 'm.room.message' },
  query: { dir: 'f', from: 's1', to: 's9', limit: '5', recurse: 'true' },
});
const threads = ({ roomId }: Scene): Example => ({
  params: { roomId },
  query: { include: 'participated', from: 's1', limit: '5' },
});

/** An example of each endpoint of relations, by method and route. */
export const RELATION_EXAMPLES: Readonly<Record<string, MakeExample>> = Object.fromEntries(
  ['v1', 'unstable'].flatMap((version) => {
    const inRoom = `GET /_matrix/client/${version}/rooms/:roomId`;
    return [
      [`${inRoom}/relations/:eventId`, related],
      [`${inRoom}/relations/:eventId/:relType`, related],
      [`${inRoom}/relations/:eventId/:relType/:eventType`, related],
      [`${inRoom}/threads`, threads],
    ];
  }),
);
