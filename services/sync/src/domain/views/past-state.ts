import type { ReadModel } from '../ports/read-model.js';
import type { StateVersion } from '../timeline-event.js';
import { RoomView } from './room-view.js';

/** The state at a position, from memory or, for what lies further back, from the database. */
export async function stateAt(model: ReadModel, view: RoomView, at: number): Promise<StateVersion[]> {
  return (await coveringFrom(model, view, at)).stateAt(at);
}

/** The room as a view that tells its state from a position on. */
export async function coveringFrom(model: ReadModel, view: RoomView, from: number): Promise<RoomView> {
  if (view.covers(from)) return view;
  return new RoomView(view.record, [], await model.stateVersions(view.record.nid, from), from, 0);
}
