import { LRUCache } from 'lru-cache';
import type { TimelineEvent } from './timeline-event.js';

const MAX_DEVICES_AND_ROOMS = 20_000;

/**
 * Which member events a device has been sent, so that lazy loading need not repeat them. Only this replica knows; another
 * one sends them once more, which clients expect.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class SentMembers {
  readonly #sent = new LRUCache<string, Map<string, string>>({ max: MAX_DEVICES_AND_ROOMS });

  /** Whether the device does not have this member event yet; it has after this. */
  isNews(device: string, roomNid: number, member: TimelineEvent): boolean {
    const key = `${device} ${roomNid}`;
    const sent = this.#sent.get(key) ?? new Map<string, string>();
    this.#sent.set(key, sent);
    const userId = member.stateKey ?? '';
    if (sent.get(userId) === member.eventId) return false;
    sent.set(userId, member.eventId);
    return true;
  }

  forget(device: string, roomNid: number): void {
    this.#sent.delete(`${device} ${roomNid}`);
  }
}
