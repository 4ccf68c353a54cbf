import { type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import type { SendEventRequest, SendEventResponse } from '@ganglion/contracts/room';
import type { Owners } from './ports.js';

/** Counts what users send. Whoever asks again for what was accepted learns its event id also when they may send nothing now. */
export class MessageLimit {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly owners: Pick<Owners, 'rooms'>,
  ) {}

  /** Something else than an event of its own counts as one. @throws MatrixError M_LIMIT_EXCEEDED */
  count(userId: string): Promise<void> {
    return takeOrThrow(this.limiter, 'message', userId);
  }

  /**
   * Sends an event, unless there turns out to be one already.
   *
   * @throws MatrixError M_LIMIT_EXCEEDED, and what the room server refuses it with
   */
  async send(
    request: SendEventRequest,
    find: () => Promise<SendEventResponse | undefined> = async () => undefined,
  ): Promise<SendEventResponse> {
    try {
      await this.count(request.sender);
    } catch (refusal) {
      const sent = await this.#sentBefore(request);
      if (sent === undefined) throw refusal;
      return sent;
    }
    return (await find()) ?? this.owners.rooms.sendEvent(request);
  }

  /** Looked for only as often as rooms may be read: a flood of refused requests is no flood of look-ups. */
  async #sentBefore({ roomId, sender, transaction }: SendEventRequest): Promise<SendEventResponse | undefined> {
    if (transaction === undefined) return undefined;
    const { allowed } = await this.limiter.take('room_reads', sender);
    if (!allowed) return undefined;
    return this.owners.rooms.findSentEvent({ roomId, transaction }).catch(() => undefined);
  }
}
