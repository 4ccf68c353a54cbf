import { exactJson, isInStrippedState, jsonCodec, type StrippedStateEvent, strippedState } from '@ganglion/protocol';
import type { EventText } from '../event-text.js';
import { formatToken } from '../sync-token.js';
import { showState } from '../texts/shown-events.js';
import { eventsText, type ShownEvent } from '../timeline-event.js';
import { membersAt, stateAt } from '../views/room-state.js';
import type { RoomView } from '../views/room-view.js';
import type { RoomMembership } from '../views/user-view.js';
import type { RoomReaders } from './room-readers.js';
import type { Window } from './sync-request.js';

/** The user's own event that made them what they are in a room. */
export async function ownMemberEvent({ texts }: RoomReaders, { room, eventNid, position }: RoomMembership) {
  const version = { type: 'm.room.member', stateKey: '', position, eventNid, membership: undefined };
  const [event] = await showState(texts, room.record, [version]);
  return event;
}

/** `rooms.invite` or `rooms.knock` of one room as JSON text. */
export function strippedRoomText(state: readonly StrippedStateEvent[], section: 'invite' | 'knock'): string {
  return `{"${section}_state":{"events":${exactJson.stringify(state)}}}`;
}

/** What is shown to who is outside of a room that somebody here is in: as of the invite, and the user's own event. */
export async function strippedStateOf(
  { model, texts }: RoomReaders,
  view: RoomView,
  own: ShownEvent | undefined,
  { position }: RoomMembership,
): Promise<StrippedStateEvent[]> {
  const people = new Set(own === undefined ? [] : [own.text.stateKey ?? '', own.text.sender]);
  const members = await membersAt(model, view, people, position);
  const state = [...(await stateAt(model, view, position)), ...members.values()];
  const wanted = state.filter(({ type, stateKey }) => isInStrippedState(type, stateKey, people));
  const shown = await showState(texts, view.record, wanted);
  return shown.map(({ text }) => strippedOf(text));
}

/** What another server has told of a room, with the user's own event, which need not be part of it. */
export function toldState(strippedStateJson: string, own: ShownEvent | undefined): StrippedStateEvent[] {
  const told = jsonCodec(strippedStateJson).parse(strippedStateJson) as StrippedStateEvent[];
  const isOwn = ({ type, state_key }: StrippedStateEvent) =>
    type === 'm.room.member' && state_key === own?.text.stateKey;
  return own === undefined || told.some(isOwn) ? told : [...told, strippedOf(own.text)];
}

function strippedOf({ json }: EventText): StrippedStateEvent {
  return strippedState(jsonCodec(json).parse(json));
}

/** `rooms.leave` of a room that we were never in: how the invite or knock ended. */
export async function declinedRoomAnswer(
  readers: RoomReaders,
  { request, now, upTo }: Window,
  membership: RoomMembership,
): Promise<string> {
  const own = await ownMemberEvent(readers, membership);
  const { userId, deviceId, deviceNid, filter } = request;
  const viewer = { userId, deviceId, deviceNid, now, fields: filter.eventFields, maySee: () => false };
  const events = eventsText(own === undefined ? [] : [own], viewer);
  const timeline = `{"events":${events},"limited":false,"prev_batch":"${formatToken(upTo)}"}`;
  return `{"timeline":${timeline},"${request.stateKey}":{"events":[]},"account_data":{"events":[]}}`;
}
