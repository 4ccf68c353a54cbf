import { isInStrippedState, strippedState } from '@ganglion/protocol';
import type { ReadModel } from '../ports/read-model.js';
import { stateAt } from '../views/past-state.js';
import type { RoomView } from '../views/room-view.js';

/** `rooms.invite` or `rooms.knock` of one room as JSON text: stripped state as of the invite, and the user's own event. */
export async function strippedRoomAnswer(
  model: ReadModel,
  view: RoomView,
  userId: string,
  at: number,
  key: 'invite_state' | 'knock_state',
): Promise<string> {
  const state = await stateAt(model, view, at);
  const own = state.find(({ type, stateKey }) => type === 'm.room.member' && stateKey === userId)?.event;
  const people = new Set([userId, own?.sender ?? userId]);
  const shown = state.filter(({ type, stateKey }) => isInStrippedState(type, stateKey, people));
  const events = shown.flatMap(({ event }) => (event === undefined ? [] : [strippedState(JSON.parse(event.json))]));
  return `{"${key}":{"events":${JSON.stringify(events)}}}`;
}
