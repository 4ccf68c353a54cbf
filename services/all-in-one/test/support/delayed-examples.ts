import type { MakeExample, Scene } from './scene.js';

const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140';
const HOUR_MS = '3600000';

/** The id of a delayed event of a scene. */
async function delayed({ person, roomId }: Scene): Promise<string> {
  const path = `rooms/${encodeURIComponent(roomId)}/send/org.example.later/delayed?org.matrix.msc4140.delay=${HOUR_MS}`;
  return (await person.must('PUT', path, { is: 1 })).delay_id;
}

const ofDelayed: MakeExample = async (scene) => ({ params: { delayId: await delayed(scene) } });

/** An example of each endpoint of what is sent later (MSC4140), by method and route. */
export const DELAYED_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`PUT ${UNSTABLE}/rooms/:roomId/delayed_event/:eventType/:txnId`]: ({ roomId }) => ({
    params: { roomId, eventType: 'org.example.later', txnId: 'later' },
    body: { delay: 3_600_000, content: {} },
  }),
  [`GET ${UNSTABLE}/delayed_events`]: () => ({ query: { status: 'scheduled', from: '0' } }),
  [`GET ${UNSTABLE}/delayed_events/:delayId`]: ofDelayed,
  [`POST ${UNSTABLE}/delayed_events/:delayId`]: async (scene) => ({
    params: { delayId: await delayed(scene) },
    body: { action: 'restart' },
  }),
  [`POST ${UNSTABLE}/delayed_events/:delayId/cancel`]: ofDelayed,
  [`POST ${UNSTABLE}/delayed_events/:delayId/restart`]: ofDelayed,
  [`POST ${UNSTABLE}/delayed_events/:delayId/send`]: ofDelayed,
};
