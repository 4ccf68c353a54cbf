import { FAR, type FarRoom } from './far-room.js';
import type { Replica } from './room-servers.js';

/** What a server that lets us in answers when it may leave members out: of those that it keeps, REMOTE alone. */
export async function enterPartially(replica: Replica, room: FarRoom, eventId: string, kept: readonly string[]) {
  const { roomId, events } = room.writer;
  const { json, stateBefore } = events.find((event) => event.eventId === eventId)!;
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const isKept = (id: string) => {
    const { pdu } = byId.get(id)!;
    return pdu.type !== 'm.room.member' || kept.includes(pdu.state_key!);
  };
  const stateEventIds = [...stateBefore.values()].filter(isKept);
  const pdusJson = stateEventIds.map((id) => byId.get(id)!.json);
  await replica.roomIntake.storeOutliers({ roomId, roomVersion: room.version, pdusJson });
  const { outcomes } = await replica.roomIntake.placeWithState({
    ...{ roomId, pduJson: json, stateEventIds, backfill: false, partial: { serverNames: [FAR, 'third.test'] } },
  });
  return outcomes[0]!;
}

/** What it says later of the whole state, in pieces. */
export async function tellAll(replica: Replica, { writer, version }: FarRoom, eventId: string) {
  const { stateBefore } = writer.events.find((event) => event.eventId === eventId)!;
  const stateEventIds = [...stateBefore.values()];
  const before = writer.events.slice(
    0,
    writer.events.findIndex((event) => event.eventId === eventId),
  );
  const pdusJson = before.filter(({ pdu }) => pdu.state_key !== undefined).map(({ json }) => json);
  await replica.roomIntake.storeOutliers({ roomId: writer.roomId, roomVersion: version, pdusJson });
  return { roomId: writer.roomId, eventId, stateEventIds };
}

export async function complete(replica: Replica, room: FarRoom, eventId: string) {
  return replica.roomIntake.completeState(await tellAll(replica, room, eventId));
}
