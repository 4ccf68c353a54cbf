import { setTimeout as pause } from 'node:timers/promises';
import { MembersUnknownError } from '../domain/partial-state.js';

const LOOK_EVERY_MS = 100;
/** Whoever called waits no longer than ten seconds. */
const LONGEST_MS = 8_000;

/** Runs what may need members of a room that are not known yet, again and again until they are. @throws MembersUnknownError when that lasts */
export async function whenWhole<T>(run: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof MembersUnknownError) || Date.now() > deadline) throw error;
      await pause(LOOK_EVERY_MS);
    }
  }
}
