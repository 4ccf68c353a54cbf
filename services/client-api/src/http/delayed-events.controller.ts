import { MatrixError } from '@ganglion/contracts';
import { type DelayedEvent, DelayedEventAction } from '@ganglion/contracts/room';
import {
  Authenticated,
  JsonBody,
  Path,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { DelayedSending } from '../domain/delayed-sending.js';
import type { Owners } from '../domain/ports.js';
import { transactionOf } from '../domain/sent-event.js';
import { sendPath } from './parameters.js';
import { OWNERS } from './tokens.js';

const ACTIONS = {
  cancel: DelayedEventAction.CANCEL,
  restart: DelayedEventAction.RESTART,
  send: DelayedEventAction.SEND,
} as const;

const MAX_IDS = 100;
const PAGE = 100;

const delayId = text.min(1).max(255);
const delayPath = z.object({ delayId });
const actionBody = z.object({ action: z.enum(['cancel', 'restart', 'send']) });
const listQuery = z.object({
  status: z.enum(['scheduled', 'finalised']).optional(),
  delay_id: z
    .union([delayId, z.array(delayId).max(MAX_IDS)])
    .default([])
    .transform((ids) => [ids].flat()),
  from: text
    .regex(/^\d{1,15}$/, 'is not a token of ours')
    .transform(Number)
    .default(0),
});
const delayBody = z.object({
  delay: z.int().nonnegative(),
  state_key: text.optional(),
  content: jsonObject,
});

/** What is to be sent later. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
@Controller('_matrix/client/unstable/org.matrix.msc4140')
export class DelayedEventsController {
  constructor(
    @Inject(OWNERS) private readonly owners: Owners,
    @Inject(DelayedSending) private readonly delaying: DelayedSending,
  ) {}

  @Put('rooms/:roomId/delayed_event/:eventType/:txnId')
  @Authenticated({ guests: true, suspended: true })
  @RateLimited('message')
  scheduleEvent(
    @RequestedBy() requester: Requester,
    @Path(sendPath) { roomId, eventType: type, txnId }: z.output<typeof sendPath>,
    @StoredJsonBody(delayBody) { delay: delayMs, state_key: stateKey, content }: z.output<typeof delayBody>,
  ) {
    const transaction = transactionOf(requester, `delay ${type}`, txnId);
    const contentJson = JSON.stringify(content);
    return this.delaying.schedule(requester, { roomId, type, stateKey, content, contentJson, delayMs, transaction });
  }

  /** Under both of the names that clients know. */
  @Get('delayed_events')
  @Authenticated({ guests: true })
  @RateLimited('room_reads')
  async listDelayedEvents(
    @RequestedBy() { userId: sender }: Requester,
    @Query(listQuery) { status, delay_id: delayIds, from }: z.output<typeof listQuery>,
  ) {
    const read = async (finalised: boolean) => {
      if (status === (finalised ? 'scheduled' : 'finalised')) return [];
      const page = { sender, delayIds, finalised, afterNid: from, limit: PAGE };
      return (await this.owners.delayedEvents.listDelayedEvents(page)).events;
    };
    const [scheduled, finalised] = await Promise.all([read(false), read(true)]);
    const told = scheduled.map(scheduledEvent);
    const last = [scheduled, finalised]
      .filter(({ length }) => length === PAGE)
      .map((events) => events.at(-1)!.delayedNid);
    return {
      ...(status !== 'finalised' && { delayed_events: told, scheduled: told }),
      ...(status !== 'scheduled' && { finalised: finalised.map(finalisedEvent) }),
      ...(last.length > 0 && { next_batch: String(Math.min(...last)) }),
    };
  }

  @Get('delayed_events/:delayId')
  @Authenticated({ guests: true })
  @RateLimited('room_reads')
  async getDelayedEvent(
    @RequestedBy() { userId: sender }: Requester,
    @Path(delayPath) { delayId: id }: z.output<typeof delayPath>,
  ) {
    for (const finalised of [false, true]) {
      const page = { sender, delayIds: [id], finalised, afterNid: 0, limit: 1 };
      const [event] = (await this.owners.delayedEvents.listDelayedEvents(page)).events;
      if (event !== undefined) return { ...scheduledEvent(event), ...whatBecameOf(event) };
    }
    throw new MatrixError(404, 'M_NOT_FOUND', 'You have no such delayed event');
  }

  @Post('delayed_events/:delayId/cancel')
  @HttpCode(200)
  @RateLimited('delayed_events')
  cancelDelayedEvent(@Path(delayPath) { delayId: id }: z.output<typeof delayPath>) {
    return this.#change(id, 'cancel');
  }

  @Post('delayed_events/:delayId/restart')
  @HttpCode(200)
  @RateLimited('delayed_events')
  restartDelayedEvent(@Path(delayPath) { delayId: id }: z.output<typeof delayPath>) {
    return this.#change(id, 'restart');
  }

  @Post('delayed_events/:delayId/send')
  @HttpCode(200)
  @RateLimited('delayed_events')
  sendDelayedEvent(@Path(delayPath) { delayId: id }: z.output<typeof delayPath>) {
    return this.#change(id, 'send');
  }

  /** As clients of before ask for it. */
  @Post('delayed_events/:delayId')
  @HttpCode(200)
  @RateLimited('delayed_events')
  updateDelayedEvent(
    @Path(delayPath) { delayId: id }: z.output<typeof delayPath>,
    @JsonBody(actionBody) { action }: z.output<typeof actionBody>,
  ) {
    return this.#change(id, action);
  }

  /** Its id is a secret that who has asked for the event may give away: so a call's server says that somebody is still there. */
  async #change(id: string, action: keyof typeof ACTIONS) {
    await this.owners.delayedEvents.changeDelayedEvent({ delayId: id, action: ACTIONS[action] });
    return {};
  }
}

function scheduledEvent({ delayId: id, roomId, event, delayMs, runningSince }: DelayedEvent) {
  return {
    ...{ delay_id: id, room_id: roomId, type: event?.type },
    ...(event?.stateKey !== undefined && { state_key: event.stateKey }),
    ...{ delay: delayMs, delay_ms: delayMs, running_since: runningSince, delayed_since_ts: runningSince },
    content: JSON.parse(event?.contentJson ?? '{}') as JsonObject,
  };
}

function finalisedEvent(event: DelayedEvent) {
  const { eventId, errorJson, byAction, at } = event.finalised!;
  return {
    delayed_event: scheduledEvent(event),
    outcome: eventId === undefined ? 'cancel' : 'send',
    reason: errorJson === undefined ? (byAction ? 'action' : 'delay') : 'error',
    ...(errorJson !== undefined && { error: JSON.parse(errorJson) }),
    ...(eventId !== undefined && { event_id: eventId }),
    origin_server_ts: at,
  };
}

function whatBecameOf({ finalised }: DelayedEvent) {
  if (finalised === undefined) return {};
  const { at, eventId, errorJson } = finalised;
  return {
    finalised: {
      finalised_ts: at,
      ...(errorJson !== undefined && { error: JSON.parse(errorJson) }),
      ...(eventId !== undefined && { event_id: eventId }),
    },
  };
}
