import type { MakeExample } from './scene.js';

const SUBSCRIPTION = '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:rootId/subscription';

/** An example of each endpoint of threads that users follow (MSC4306), by method and route. */
export const THREAD_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`GET ${SUBSCRIPTION}`]: async ({ person, roomId, eventId }) => {
    const thread = `rooms/${encodeURIComponent(roomId)}/thread/${encodeURIComponent(eventId)}`;
    await person.must('PUT', `/_matrix/client/unstable/io.element.msc4306/${thread}/subscription`, {});
    return { params: { roomId, rootId: eventId } };
  },
  [`PUT ${SUBSCRIPTION}`]: ({ roomId, eventId }) => ({ params: { roomId, rootId: eventId }, body: {} }),
  [`DELETE ${SUBSCRIPTION}`]: ({ roomId, eventId }) => ({ params: { roomId, rootId: eventId } }),
  'GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions': () => ({
    query: { dir: 'b', from: '9', to: '0', limit: '5' },
  }),
};
