import type { ReceiptRow } from '../append-batch.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import type { ReceiptLog } from '../views/receipt-log.js';
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
        const text = typingText(window, membership);
        if (text !== undefined) add(membership.room.record.nid, text);
      }
    }
    return texts;
  }

  async #receipts(window: Window, joined: readonly RoomMembership[]): Promise<Map<number, ReceiptRow[]>> {
    const { since, request, upTo } = window;
    const news = joined.filter((membership) => isNew(window, membership));
    const known = joined.filter((membership) => !isNew(window, membership));
    const changed = known.filter(
      ({ room, marks }) => Math.max(room.ephemeral.receiptPosition, marks.position) > (since ?? 0),
    );
    const [all, some] = await Promise.all([
      this.#all(request.userId, news, upTo),
      this.#changed(request.userId, changed, since ?? 0, upTo),
    ]);
    const shown = [...all, ...some].filter(({ userId }) => !window.ignored.has(userId));
    return Map.groupBy(shown, ({ roomNid }) => roomNid);
  }

  async #all(userId: string, memberships: readonly RoomMembership[], upTo: number): Promise<ReceiptRow[]> {
    const withAny = memberships.filter(({ room, marks }) => room.ephemeral.receiptPosition > 0 || marks.version > 0);
    return withAny.length === 0 ? [] : this.receipts.receiptsOf(nidsOf(withAny), userId, upTo);
  }

  async #changed(userId: string, memberships: readonly RoomMembership[], since: number, upTo: number) {
    if (memberships.length === 0) return [];
    if (!this.log.covers(since)) return this.receipts.receiptsBetween(nidsOf(memberships), userId, since, upTo);
    const rows = memberships.flatMap(({ room }) => this.log.between(room.record.nid, since, upTo));
    return rows.filter((row) => row.type !== 'm.read.private' || row.userId === userId);
  }
}

/** Whether the client has to be told all of the room, as it did not know it or the user was not in it. */
function isNew({ since, request }: Window, { position }: RoomMembership): boolean {
  return since === undefined || request.fullState || position > since;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#mtyping */
function typingText(window: Window, membership: RoomMembership): string | undefined {
  const { since = 0, upTo, ignored } = window;
  const { typing, typingPosition } = membership.room.ephemeral;
  if (typingPosition > upTo) return undefined;
  const users = typing.map(({ userId }) => userId).filter((userId) => !ignored.has(userId));
  const isTold = isNew(window, membership) ? users.length > 0 : typingPosition > since;
  return isTold ? JSON.stringify({ type: 'm.typing', content: { user_ids: users } }) : undefined;
}

function nidsOf(memberships: readonly RoomMembership[]): number[] {
  return memberships.map(({ room }) => room.record.nid);
}
