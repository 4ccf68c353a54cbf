import { checkMaySend, MatrixError } from '@ganglion/contracts';
import type { Requester } from '@ganglion/http';
import type { JsonObject } from '@ganglion/protocol';
import { checkGuestMembership } from './guests.js';
import { checkMayLeave } from './notice-rooms.js';
import type { Owners } from './ports.js';
import { redactionTarget, type transactionOf } from './sent-event.js';

/** An event as a client sends it, to be sent later. */
export interface DelayedEventDraft {
  readonly roomId: string;
  readonly type: string;
  readonly stateKey?: string | undefined;
  readonly content: JsonObject;
  /** Empty when the request had no body. */
  readonly contentJson: string;
  readonly delayMs: number;
  readonly transaction?: ReturnType<typeof transactionOf>;
}

/** Who may come is decided when they are asked for: that somebody will leave is what calls delay. */
const MEMBERSHIPS = new Set<unknown>(['leave', 'ban']);

/** What clients want to be sent later. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export class DelayedSending {
  constructor(private readonly owners: Owners) {}

  async schedule(requester: Requester, draft: DelayedEventDraft) {
    const { roomId, type, stateKey, content, contentJson, delayMs, transaction } = draft;
    checkMaySend(requester, { type, stateKey, content });
    if (type === 'm.room.member' && stateKey !== undefined && !MEMBERSHIPS.has(content.membership)) {
      throw new MatrixError(400, 'M_INVALID_PARAM', 'Of memberships only leave and ban may be delayed');
    }
    if (type === 'm.room.member' && stateKey === requester.userId) {
      await checkMayLeave(this.owners, { roomId, userId: requester.userId });
    }
    if (requester.guest && type === 'm.room.member' && stateKey !== undefined) {
      await checkGuestMembership(this.owners, { roomId, sender: requester.userId, target: stateKey, content });
    }
    const { delayId } = await this.owners.delayedEvents.scheduleEvent({
      ...{ roomId, sender: requester.userId, event: { type, stateKey, contentJson }, transaction, delayMs },
      redacts: stateKey === undefined ? redactionTarget(type, content) : undefined,
      redactsOwnOnly: requester.suspended === true,
    });
    return { delay_id: delayId };
  }
}
