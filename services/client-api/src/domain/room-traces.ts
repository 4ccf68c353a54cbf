import type { FindAnnotationRequest, RoomTraces } from '@ganglion/contracts/sync';

/** A read model that is slow, away, or of the release before, keeps nobody from sending and reading. */
const LONGEST_MS = 1_000;

/** The event with which somebody has annotated another one with the same, if that is known. */
export async function knownAnnotation(traces: RoomTraces, asked: FindAnnotationRequest): Promise<string | undefined> {
  return (await soon(traces.findAnnotation(asked), { eventId: undefined })).eventId;
}

/** Whether somebody is known to have forgotten a room that they left. */
export async function hasForgotten(traces: RoomTraces, roomId: string, userId: string): Promise<boolean> {
  return (await soon(traces.isForgotten({ roomId, userId }), { forgotten: false })).forgotten;
}

async function soon<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(resolve, LONGEST_MS, otherwise);
  });
  return Promise.race([answer.catch(() => otherwise), late]).finally(() => clearTimeout(timer));
}
