import type { LocalPresence, LocalReceipt } from '@ganglion/contracts';

/** What is kept of who types. */
export interface TypingContent {
  readonly roomId: string;
  readonly userId: string;
  readonly typing: boolean;
}

/** In one EDU. */
const MOST_PRESENCE = 100;
/** Who has done something within this time is doing something now. */
const CURRENTLY_ACTIVE_MS = 60_000;

type Receipts = Record<string, { 'm.read': Record<string, object> }>;

/**
 * The EDUs of one transaction that tell of what passes: of receipts as many in one as there can be, which is one of each user and
 * room.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#receipts
 * @see https://spec.matrix.org/v1.19/server-server-api/#typing-notifications
 * @see https://spec.matrix.org/v1.19/server-server-api/#presence
 */
export class EphemeralEdus {
  readonly #receipts: Receipts[] = [];
  readonly #typing: object[] = [];
  readonly #presence: object[][] = [];

  constructor(
    /** So many EDUs there may be. */
    private readonly most: number,
    /** Milliseconds since the epoch. */
    private readonly now: number,
  ) {}

  /** As JSON texts. */
  get texts(): string[] {
    return [
      ...this.#receipts.map((content) => JSON.stringify({ edu_type: 'm.receipt', content })),
      ...this.#typing.map((content) => JSON.stringify({ edu_type: 'm.typing', content })),
      ...this.#presence.map((push) => JSON.stringify({ edu_type: 'm.presence', content: { push } })),
    ];
  }

  /** @returns false when there is no place for it */
  addReceipt({ roomId, userId, eventId, threadId, ts }: LocalReceipt): boolean {
    const receipts = this.#receipts.find((each) => each[roomId]?.['m.read'][userId] === undefined) ?? this.#another();
    if (receipts === undefined) return false;
    const data = { ts, ...(threadId !== '' && { thread_id: threadId }) };
    receipts[roomId] ??= { 'm.read': {} };
    receipts[roomId]['m.read'][userId] = { data, event_ids: [eventId] };
    return true;
  }

  /** @returns false when there is no place for it */
  addTyping({ roomId, userId, typing }: TypingContent): boolean {
    if (this.#isFull) return false;
    this.#typing.push({ room_id: roomId, user_id: userId, typing });
    return true;
  }

  /** @returns false when there is no place for it */
  addPresence({ userId: user_id, presence, statusMsg, lastActiveTs }: LocalPresence): boolean {
    const last = this.#presence.at(-1);
    const hasRoom = last !== undefined && last.length < MOST_PRESENCE;
    if (!hasRoom && this.#isFull) return false;
    const push = hasRoom ? last : [];
    if (!hasRoom) this.#presence.push(push);
    // It has to be there: of whom nothing is known it was at the beginning of all time.
    const ago = Math.max(0, this.now - lastActiveTs);
    push.push({
      ...{ user_id, presence, last_active_ago: ago },
      ...(statusMsg !== undefined && { status_msg: statusMsg }),
      ...(presence === 'online' && { currently_active: ago < CURRENTLY_ACTIVE_MS }),
    });
    return true;
  }

  get #isFull(): boolean {
    return this.#receipts.length + this.#typing.length + this.#presence.length >= this.most;
  }

  #another(): Receipts | undefined {
    if (this.#isFull) return undefined;
    const receipts: Receipts = {};
    this.#receipts.push(receipts);
    return receipts;
  }
}
