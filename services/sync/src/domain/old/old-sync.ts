import { isMatrixError } from '@ganglion/contracts';
import type { RoomLog } from '@ganglion/contracts/room';
import { compileFilter, compileRoomEventFilter, type JsonCodec, jsonCodec } from '@ganglion/protocol';
import type { SyncRequest } from '../answer/sync-request.js';
import type { SyncService } from '../answer/sync-service.js';
import { noSuchEvent, type Reader } from '../history/reading.js';
import type { RoomHistory } from '../history/room-history.js';
import { formatToken } from '../sync-token.js';
import { eventsOf, type SyncAnswer, snapshotsOf } from './old-answers.js';
import { type MessagesPage, type RoomSnapshot, type RoomSnapshotDependencies, roomSnapshot } from './room-snapshot.js';
import type { RoomWaits } from './room-waits.js';

export interface OldSyncDependencies extends RoomSnapshotDependencies {
  readonly service: Pick<SyncService, 'sync'>;
  readonly history: RoomSnapshotDependencies['history'] & Pick<RoomHistory, 'getOneRoomEvent'>;
  readonly roomLog: Pick<RoomLog, 'findRoomsOfEvent'>;
  readonly waits: RoomWaits;
}

export interface EventsRequest {
  readonly userId: string;
  /** Undefined for what happens from now on. */
  readonly from: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** An answer of /sync, with what writes its events again as they are. */
interface Synced {
  readonly answer: SyncAnswer;
  readonly json: JsonCodec;
}

const PAGE = 100;
const LIMITS = { defaultLimit: PAGE, maximumLimit: 1_000 };
const NOBODYS_DEVICE = '';
const EVERYTHING = compileRoomEventFilter({});

/**
 * How clients followed rooms before there was /sync. They still look into rooms that they are not in this way.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-previews
 */
export class OldSync {
  constructor(private readonly deps: OldSyncDependencies) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync */
  roomInitialSync(reader: Reader & { readonly roomId: string }, limit: number): Promise<RoomSnapshot> {
    return roomSnapshot(this.deps, reader, limit);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync */
  async initialSync(
    request: Pick<EventsRequest, 'userId' | 'signal'>,
    limit: number,
    archived: boolean,
  ): Promise<string> {
    const filter = compileFilter({ room: { timeline: { limit }, include_leave: archived } }, LIMITS);
    const { answer, json } = await this.#sync({ ...request, timeoutMs: 0, since: undefined, filter });
    return json.stringify(await snapshotsOf(answer, this.deps.isPublic));
  }

  /**
   * An event of a room that nobody names. @throws MatrixError M_NOT_FOUND
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3eventseventid
   */
  async event(reader: Reader, eventId: string): Promise<string> {
    const { roomIds } = await this.deps.roomLog.findRoomsOfEvent({ eventId });
    for (const roomId of roomIds) {
      const event = await this.deps.history.getOneRoomEvent({ ...reader, roomId, eventId }).catch(ifHidden);
      if (event !== undefined) return event;
    }
    throw noSuchEvent();
  }

  /** What happens to a user, and in their rooms. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events */
  async events({ from, ...request }: EventsRequest): Promise<string> {
    const since = from ?? (await this.#now());
    const { answer, json } = await this.#sync({ ...request, since, filter: compileFilter({}, LIMITS) });
    return json.stringify({ chunk: eventsOf(answer), start: formatToken(since), end: answer.next_batch });
  }

  /**
   * What happens in one room that the user may look into. @throws MatrixError M_FORBIDDEN
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events
   */
  async eventsInRoom({ userId, from, timeoutMs, signal }: EventsRequest, roomId: string): Promise<string> {
    const { feed, history, model, waits } = this.deps;
    return feed.use(async () => {
      const deadline = performance.now() + timeoutMs;
      const after = from ?? feed.position;
      for (;;) {
        const watch = waits.watch((await model.findRoom(roomId))?.nid ?? 0);
        const page = { roomId, userId, deviceId: NOBODYS_DEVICE, from: { after }, to: undefined, limit: PAGE };
        const messages = history.messages({ ...page, direction: 'forwards', filter: EVERYTHING });
        const text = await messages.catch(forgetting(watch));
        const json = jsonCodec(text);
        const { chunk, start, end = start } = json.parse(text) as MessagesPage;
        const left = deadline - performance.now();
        if (chunk.length > 0 || left <= 0 || signal.aborted) {
          watch.forget();
          const events = chunk.map((event) => ({ ...(event as object), room_id: roomId }));
          return json.stringify({ chunk: events, start, end });
        }
        await watch.wait(left, signal);
      }
    });
  }

  #now(): Promise<number> {
    const { feed } = this.deps;
    return feed.use(async () => feed.position);
  }

  /** For no device: messages to devices are none of it, and none of them is taken for read. */
  async #sync(request: Pick<SyncRequest, 'userId' | 'since' | 'filter' | 'timeoutMs' | 'signal'>): Promise<Synced> {
    const others = {
      deviceId: NOBODYS_DEVICE,
      messagesSince: undefined,
      fullState: false,
      stateKey: 'state_after',
    } as const;
    const text = await this.deps.service.sync({ ...request, ...others });
    const json = jsonCodec(text);
    return { answer: json.parse(text) as SyncAnswer, json };
  }
}

/** In which rooms there is something that they may not see is nobody's business. */
function ifHidden(error: unknown): undefined {
  if (!isMatrixError(error) || error.status >= 500) throw error;
}

function forgetting(watch: { forget(): void }) {
  return (error: unknown): never => {
    watch.forget();
    throw error;
  };
}
