import { randomBytes } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import {
  type ChangeDelayedEventRequest,
  type DelayedEvent,
  DelayedEventAction,
  type DelayedEvents,
  type ListDelayedEventsRequest,
  type ScheduleEventRequest,
} from '@ganglion/contracts/room';
import type { DelayedEventRow, Kept } from '../domain/delayed/delayed-event.js';
import { type SendDelayedDependencies, sendDelayed } from '../domain/delayed/send-delayed.js';
import type { DelayedEventModel } from '../domain/ports/delayed-events.js';
import { checkWellFormed } from '../domain/well-formed.js';

export interface DelayedEventLimits {
  readonly max_delay_seconds: number;
  readonly max_per_user: number;
}

export interface DelayedEventsRpcDependencies extends SendDelayedDependencies {
  readonly model: DelayedEventModel;
  readonly limits: DelayedEventLimits;
  /** One is due in so many milliseconds. */
  readonly note: (inMs: number) => void;
}

/** Of an event with all that it is signed with. */
const MAX_CONTENT_BYTES = 65_000;
const MAX_NAME_BYTES = 255;
const ID_BYTES = 24;
const MAX_PAGE = 100;

/** Events that are sent later. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export class DelayedEventsRpc implements DelayedEvents {
  constructor(private readonly deps: DelayedEventsRpcDependencies) {}

  async scheduleEvent({ roomId, sender, event, transaction, ...request }: ScheduleEventRequest) {
    const { model, limits, note } = this.deps;
    const known = transaction && (await model.find(transaction, roomId));
    if (known !== undefined) return { delayId: known };
    const { type = '', stateKey, contentJson = '' } = event ?? {};
    this.#check(roomId, request.delayMs, { type, stateKey, contentJson });
    const kept = await model.keep(
      {
        ...{ delayId: randomBytes(ID_BYTES).toString('base64url'), roomId, sender, type, stateKey, contentJson },
        ...{ redacts: request.redacts, redactsOwnOnly: request.redactsOwnOnly, delayMs: request.delayMs },
      },
      transaction,
      limits.max_per_user,
    );
    if (kept.kind !== 'kept') throw refusal(kept.kind, limits);
    note(request.delayMs);
    return { delayId: kept.delayId };
  }

  async changeDelayedEvent({ delayId, action }: ChangeDelayedEventRequest) {
    if (action === DelayedEventAction.CANCEL) await this.#cancel(delayId);
    else if (action === DelayedEventAction.RESTART) await this.#restart(delayId);
    else if (action === DelayedEventAction.SEND) await this.#send(delayId);
    else throw new Error(`unknown action ${action} on a delayed event`);
    return {};
  }

  async listDelayedEvents({ limit, ...page }: ListDelayedEventsRequest) {
    const events = await this.deps.model.list({ ...page, limit: Math.min(limit, MAX_PAGE) });
    return { events: events.map(toldOf) };
  }

  #check(
    roomId: string,
    delayMs: number,
    { type, stateKey, contentJson }: { type: string; stateKey?: string | undefined; contentJson: string },
  ) {
    if (contentJson === '')
      throw new MatrixError(400, 'M_NOT_JSON', 'The request has no body; a JSON object is required');
    const maxDelay = this.deps.limits.max_delay_seconds * 1_000;
    if (delayMs > maxDelay) {
      throw new MatrixError(400, 'M_UNKNOWN', `An event may be delayed by ${maxDelay} ms at most`, {
        'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
        'org.matrix.msc4140.max_delay': maxDelay,
      });
    }
    const isTooLong = [type, stateKey ?? ''].some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES);
    if (isTooLong || Buffer.byteLength(contentJson) > MAX_CONTENT_BYTES) {
      throw new MatrixError(413, 'M_TOO_LARGE', 'The event is too large');
    }
    checkWellFormed({ roomId, type, stateKey, content: JSON.parse(contentJson) });
  }

  async #cancel(delayId: string): Promise<void> {
    if (!(await this.deps.model.cancel(delayId))) throw noSuchEvent();
  }

  async #restart(delayId: string): Promise<void> {
    const inMs = await this.deps.model.restart(delayId);
    if (inMs === undefined) throw noSuchEvent();
    this.deps.note(inMs);
  }

  async #send(delayId: string): Promise<void> {
    const event = await this.deps.model.takeOne(delayId);
    if (event === undefined) throw noSuchEvent();
    await sendDelayed(this.deps, event, true);
  }
}

function refusal(kind: Exclude<Kept['kind'], 'kept'>, { max_per_user }: DelayedEventLimits): MatrixError {
  if (kind === 'not-joined') return new MatrixError(403, 'M_FORBIDDEN', 'You are not in the room');
  return new MatrixError(400, 'M_UNKNOWN', `No more than ${max_per_user} of your events may wait to be sent`, {
    'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED',
  });
}

function noSuchEvent(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'There is no such delayed event, or it was sent or cancelled');
}

function toldOf(row: DelayedEventRow): DelayedEvent {
  const { delayedNid, delayId, roomId, type, stateKey, contentJson, delayMs, runningSince, finalised } = row;
  return { delayedNid, delayId, roomId, delayMs, runningSince, finalised, event: { type, stateKey, contentJson } };
}
