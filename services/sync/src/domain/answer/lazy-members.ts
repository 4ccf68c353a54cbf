import { LRUCache } from 'lru-cache';

const MAX_DEVICES_AND_ROOMS = 20_000;
const MAX_DEVICES = 20_000;

/** A member of a room by the event that says so. */
interface MemberEvent {
  readonly roomNid: number;
  readonly stateKey: string;
  readonly eventNid: number;
}

interface Sent {
  readonly eventNid: number;
  /** The token of the answer that it went with. */
  readonly upTo: number;
  /** Whether the device has come back with that very token. */
  isReceived: boolean;
}

/**
 * Which member events a device has been sent, so that lazy loading need not repeat them. An answer may get lost: only the
 * token that came with it says that it was received, not a later one, to which another answer may have led. Only this
 * replica knows; another one sends them once more, which clients expect.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class SentMembers {
  readonly #sent = new LRUCache<string, Map<string, Sent>>({
    maxSize: MAX_DEVICES_AND_ROOMS,
    sizeCalculation: () => 1,
  });
  /** What went with the latest answers of each device, by their tokens. */
  readonly #latest = new LRUCache<string, Map<number, Sent[]>>({ maxSize: MAX_DEVICES, sizeCalculation: () => 1 });

  /** A device asks again: it has received the answer with this token, and no other of the latest ones. */
  received(device: string, since: number | undefined): void {
    const latest = this.#latest.get(device);
    if (latest === undefined) return;
    if (since !== undefined) for (const sent of latest.get(since) ?? []) sent.isReceived = true;
    this.#latest.delete(device);
  }

  /** Whether the device may not have this member event yet; the answer up to `upTo` brings it then. */
  isNews(device: string, member: MemberEvent, since: number | undefined, upTo: number): boolean {
    const key = `${device} ${member.roomNid}`;
    const members = this.#sent.get(key) ?? new Map<string, Sent>();
    this.#sent.set(key, members);
    const known = members.get(member.stateKey);
    const isKnown = known?.eventNid === member.eventNid && known.isReceived;
    if (isKnown && since !== undefined && known.upTo <= since) return false;
    const sent = { eventNid: member.eventNid, upTo, isReceived: false };
    members.set(member.stateKey, sent);
    this.#remember(device, sent);
    return true;
  }

  #remember(device: string, sent: Sent): void {
    const latest = this.#latest.get(device) ?? new Map<number, Sent[]>();
    this.#latest.set(device, latest);
    const together = latest.get(sent.upTo);
    if (together === undefined) latest.set(sent.upTo, [sent]);
    else together.push(sent);
  }
}
