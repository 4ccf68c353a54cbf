import { type Pdu, roomVersionRules } from '@ganglion/protocol';
import { FAR, REMOTE, signedByFar } from './far-room.js';
import type { Replica } from './room-servers.js';

let count = 0;

interface Asked {
  readonly membership?: string;
  readonly userId?: string;
  readonly version?: string;
}

/** What another server makes of the template that it is given. */
export async function signed(
  replica: Replica,
  roomId: string,
  { membership = 'join', userId = REMOTE, version = '12' }: Asked = {},
) {
  const { eventJson, roomVersion } = await replica.roomFederation.makeMembership({
    ...{ serverName: FAR, roomId, userId, membership, supportedVersions: [version] },
  });
  expect(roomVersion).toBe(version);
  return sign(JSON.parse(eventJson), version);
}

/** The template, signed by the other server. */
export function sign(template: Pdu, version = '12') {
  count += 1;
  const isOld = roomVersionRules(version)!.eventIdFormat === 'in-event';
  return signedByFar({ ...template, ...(isOld && { event_id: `$${count}:${FAR}` }) }, version);
}

type Signed = ReturnType<typeof sign>;

/** Gives it back to us. */
export function accept(replica: Replica, roomId: string, { eventId, json }: Signed, membership = 'join') {
  const request = { serverName: FAR, roomId, eventId, membership, pduJson: json };
  return replica.roomFederation.acceptMembership(request);
}

/** A user of the other server joins a room of ours. */
export async function joinFromFar(replica: Replica, roomId: string, asked: Asked = {}) {
  const event = await signed(replica, roomId, asked);
  await accept(replica, roomId, event);
  return event;
}

/** The log of a room from its beginning. */
export async function logOf(replica: Replica, roomId: string) {
  const query = { roomId, afterSeq: 0, limit: 100, backfilled: false };
  return (await replica.roomLog.getRoomEvents(query)).events!.events;
}
