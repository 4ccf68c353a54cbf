import { randomBytes } from 'node:crypto';
import { domainOf } from '@ganglion/protocol';
import type { LeavingMessage } from '../ports/device-message-model.js';
import type { ContentsByDevice } from './device-messaging.js';

/** A part for itself is no larger than an event may be, unless it cannot be divided. */
const MAX_CHARACTERS = 65_536;
/** At most 32 characters are allowed. */
const ID_BYTES = 18;

interface Piece {
  readonly userId: string;
  readonly devices: readonly (readonly [deviceId: string, text: string])[];
  readonly size: number;
}

/**
 * What servers of these users get of a request: of each server's users as much together as goes well into one EDU.
 *
 * @param textOf a content as JSON text
 * @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
 */
export function leavingMessages<T extends ContentsByDevice[string][string]>(
  messages: Iterable<readonly [userId: string, contents: Readonly<Record<string, T>>]>,
  textOf: (content: T) => string,
): LeavingMessage[] {
  const byServer = Map.groupBy(messages, ([userId]) => domainOf(userId));
  return [...byServer].flatMap(([serverName, ofUsers]) => {
    const pieces = ofUsers.flatMap(([userId, contents]) => piecesOf(userId, contents, textOf));
    return packed(pieces).map((part) => ({
      ...{ serverName, messageId: randomBytes(ID_BYTES).toString('base64url'), messages: textOfPart(part) },
    }));
  });
}

/** What is for all devices of a user that are not named goes with what names them. */
function piecesOf<T>(userId: string, contents: Readonly<Record<string, T>>, textOf: (content: T) => string): Piece[] {
  const devices = Object.entries(contents).map(([deviceId, content]) => [deviceId, textOf(content)] as const);
  const groups = Object.hasOwn(contents, '*') ? [devices] : devices.map((device) => [device]);
  return groups.map((group) => {
    const size = group.reduce((sum, [deviceId, text]) => sum + deviceId.length + text.length, userId.length);
    return { userId, devices: group, size };
  });
}

function packed(pieces: readonly Piece[]): Piece[][] {
  const parts: Piece[][] = [];
  let size = Infinity;
  for (const piece of pieces) {
    size += piece.size;
    if (size > MAX_CHARACTERS) {
      parts.push([]);
      size = piece.size;
    }
    parts.at(-1)!.push(piece);
  }
  return parts;
}

function textOfPart(pieces: readonly Piece[]): string {
  const users = [...Map.groupBy(pieces, ({ userId }) => userId)].map(([userId, ofUser]) => {
    const devices = ofUser.flatMap((piece) => piece.devices);
    return entry(userId, `{${devices.map(([deviceId, text]) => entry(deviceId, text)).join(',')}}`);
  });
  return `{${users.join(',')}}`;
}

function entry(key: string, text: string): string {
  return `${JSON.stringify(key)}:${text}`;
}
