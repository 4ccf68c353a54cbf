import { LRUCache } from 'lru-cache';
import type { TimelineEvent } from './timeline-event.js';

const MAX_DEVICES_AND_ROOMS = 20_000;

interface Sent {
  readonly eventId: string;
  /** The token of the answer that it went with: a device that comes back with a later one has received it. */
  readonly upTo: number;
}

/**
 * Which member events a device has been sent, so that lazy loading need not repeat them. Only this replica knows; another
 * one sends them once more, which clients expect.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class SentMembers {
  readonly #sent = new LRUCache<string, Map<string, Sent>>({
    maxSize: MAX_DEVICES_AND_ROOMS,
    sizeCalculation: () => 1,
  });

  /** Whether the device may not have this member event yet; the answer up to `upTo` brings it then. */
  isNews(device: string, member: TimelineEvent, since: number | undefined, upTo: number): boolean {
    const key = `${device} ${member.roomNid}`;
    const members = this.#sent.get(key) ?? new Map<string, Sent>();
    this.#sent.set(key, members);
    const sent = members.get(member.stateKey ?? '');
    if (sent?.eventId === member.eventId && since !== undefined && sent.upTo <= since) return false;
    members.set(member.stateKey ?? '', { eventId: member.eventId, upTo });
    return true;
  }
}
