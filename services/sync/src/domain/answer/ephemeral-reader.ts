import type { ReceiptRow } from '../append-batch.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import type { ReceiptLog } from '../views/receipt-log.js';
import type { TypingNow } from '../views/typing-now.js';
import type { RoomMembership } from '../views/user-view.js';
import { receiptEventText } from './receipt-event.js';
import type { Window } from './sync-request.js';

/** The `ephemeral` events of each room that has any to tell, as JSON text. */
export type EphemeralTexts = ReadonlyMap<number, readonly string[]>;

/**
 * Reads what does not last of the rooms of one answer: all of it where the client does not know the room yet, else what
 * changed. One statement serves all rooms, and none what this replica has seen itself.
 */
export class EphemeralReader {
  constructor(
    private readonly receipts: ReceiptModel,
    private readonly log: ReceiptLog,
    private readonly typing: Pick<TypingNow, 'of' | 'from'>,
  ) {}

  async read(window: Window, memberships: readonly RoomMembership[]): Promise<EphemeralTexts> {
    const { ephemeral: filter } = window.request.filter.room;
    if (filter.allowsNothing) return new Map();
    const joined = memberships.filter(
      ({ membership, room }) => membership === 'join' && filter.allowsRoom(room.record.roomId),
    );
    const texts = new Map<number, string[]>();
    const add = (roomNid: number, text: string) => texts.set(roomNid, [...(texts.get(roomNid) ?? []), text]);
    if (filter.allows({ type: 'm.receipt' })) {
      for (const [roomNid, rows] of await this.#receipts(window, joined)) add(roomNid, receiptEventText(rows));
    }
    if (filter.allows({ type: 'm.typing' })) {
      for (const membership of joined) {
        const text = this.#typingText(window, membership);
        if (text !== undefined) add(membership.room.record.nid, text);
      }
    }
    return texts;
  }

  async #receipts(window: Window, joined: readonly RoomMembership[]): Promise<Map<number, ReceiptRow[]>> {
    const { request, since = 0, upTo, ignored } = window;
    const { userId } = request;
    const withReceipts = joined.filter(({ room }) => room.mayHaveReceipts);
    const { news = [], known = [] } = Object.groupBy(withReceipts, (room) => (isNew(window, room) ? 'news' : 'known'));
    const [all, some] = await Promise.all([
      news.length === 0 ? [] : this.receipts.receiptsOf(nidsOf(news), userId, upTo),
      known.length === 0 ? [] : this.#changed(nidsOf(known), userId, since, upTo),
    ]);
    const shown = [...all, ...some].filter((receipt) => !ignored.has(receipt.userId));
    return Map.groupBy(shown, ({ roomNid }) => roomNid);
  }

  async #changed(roomNids: readonly number[], userId: string, since: number, upTo: number): Promise<ReceiptRow[]> {
    if (!this.log.covers(since)) return this.receipts.receiptsBetween(roomNids, userId, since, upTo);
    const rows = roomNids.flatMap((roomNid) => this.log.between(roomNid, since, upTo));
    return latest(rows.filter((row) => row.type !== 'm.read.private' || row.userId === userId));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#mtyping */
  #typingText(window: Window, membership: RoomMembership): string | undefined {
    const { since = 0, upTo, ignored } = window;
    const { typing = [], position = 0 } = this.typing.of(membership.room.record.nid) ?? {};
    if (position > upTo) return undefined;
    const users = typing.map(({ userId }) => userId).filter((userId) => !ignored.has(userId));
    // Of what changed so long ago nobody knows, a room that has something to tell tells how it is.
    const mayHaveChanged = position > since || (since < this.typing.from && membership.room.position > since);
    const isTold = isNew(window, membership) ? users.length > 0 : mayHaveChanged;
    return isTold ? JSON.stringify({ type: 'm.typing', content: { user_ids: users } }) : undefined;
  }
}

/** Whether the client has to be told all of the room, as it did not know it or the user was not in it. */
function isNew({ since, request }: Window, membership: RoomMembership): boolean {
  return since === undefined || request.fullState || membership.since > since;
}

/** Of the receipts of one kind the last. */
function latest(rows: readonly ReceiptRow[]): ReceiptRow[] {
  const kinds = new Map(rows.map((row) => [`${row.roomNid} ${row.type} ${row.threadId} ${row.userId}`, row]));
  return [...kinds.values()];
}

function nidsOf(memberships: readonly RoomMembership[]): number[] {
  return memberships.map(({ room }) => room.record.nid);
}
