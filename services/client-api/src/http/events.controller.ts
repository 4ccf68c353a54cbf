import { checkMaySend } from '@ganglion/contracts';
import {
  AnswersJsonText,
  Authenticated,
  BodyText,
  JsonBody,
  Path,
  parseBody,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { jsonObject } from '@ganglion/http/values';
import { domainOf, isValidUserId, type JsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { checkAliasesElsewhere } from '../domain/aliases-elsewhere.js';
import { DelayedSending } from '../domain/delayed-sending.js';
import { sentAnnotation } from '../domain/duplicate-annotations.js';
import { checkGuestMembership, type MemberEvent } from '../domain/guests.js';
import { checkMayInvite } from '../domain/invite-permission.js';
import { MembershipLimits } from '../domain/membership-limits.js';
import { MessageLimit } from '../domain/message-limit.js';
import { checkMayLeave } from '../domain/notice-rooms.js';
import type { Owners } from '../domain/ports.js';
import { inviteElsewhere } from '../domain/remote-membership.js';
import { readJoinedMembers, readStateEventText, readStateText } from '../domain/room-state.js';
import { redactionTarget, transactionOf } from '../domain/sent-event.js';
import { delayQuery, reason, redactPath, roomPath, sendOncePath, sendPath, statePath } from './parameters.js';
import { OWNERS } from './tokens.js';

type SendPath = z.infer<typeof sendPath>;
type RedactPath = z.infer<typeof redactPath>;
type StatePath = z.infer<typeof statePath>;
type RoomPath = z.infer<typeof roomPath>;

/** An event as a client sends it. */
interface Sent {
  readonly roomId: string;
  readonly type: string;
  readonly content: JsonObject;
  readonly contentJson: string;
  readonly transaction?: ReturnType<typeof transactionOf>;
}

const stateQuery = z.object({ format: z.enum(['content', 'event']).default('content') });
const redactBody = z.object({ reason }).prefault({});

@Controller('_matrix/client/v3/rooms/:roomId')
@Authenticated()
export class EventsController {
  constructor(
    @Inject(OWNERS) private readonly owners: Owners,
    @Inject(MembershipLimits) private readonly limits: MembershipLimits,
    @Inject(MessageLimit) private readonly messages: MessageLimit,
    @Inject(DelayedSending) private readonly delaying: DelayedSending,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid */
  @Put('send/:eventType/:txnId')
  @Authenticated({ guests: true, suspended: true })
  async sendMessage(
    @RequestedBy() requester: Requester,
    @Path(sendPath) { roomId, eventType: type, txnId }: SendPath,
    @Query(delayQuery) delayMs: number | undefined,
    @StoredJsonBody(jsonObject.optional()) body: JsonObject | undefined,
    @BodyText() contentJson: string,
  ) {
    const transaction = transactionOf(requester, `send ${type}`, txnId);
    // Who repeats a request for a delayed event may leave its body out.
    if (delayMs !== undefined) {
      await this.messages.count(requester.userId);
      return this.delaying.schedule(requester, {
        roomId,
        type,
        delayMs,
        content: body ?? {},
        contentJson,
        transaction,
      });
    }
    const content = parseBody(jsonObject, body);
    return this.#send(requester, { roomId, type, content, contentJson, transaction });
  }

  /** As before there were transaction ids, and as some bots still send: each request sends another event. */
  @Post('send/:eventType')
  @HttpCode(200)
  @Authenticated({ guests: true, suspended: true })
  sendMessageOnce(
    @RequestedBy() requester: Requester,
    @Path(sendOncePath) { roomId, eventType: type }: z.infer<typeof sendOncePath>,
    @StoredJsonBody(jsonObject) content: JsonObject,
    @BodyText() contentJson: string,
  ) {
    return this.#send(requester, { roomId, type, content, contentJson });
  }

  async #send(requester: Requester, { roomId, type, content, contentJson, transaction }: Sent) {
    checkMaySend(requester, { type });
    const request = {
      roomId,
      sender: requester.userId,
      event: { type, contentJson },
      redacts: redactionTarget(type, content),
      redactsOwnOnly: requester.suspended,
      transaction,
    };
    const { eventId } = await this.messages.send(request, () => sentAnnotation(this.owners, request, content));
    return { event_id: eventId };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
  @Put('redact/:eventId/:txnId')
  @Authenticated({ suspended: true })
  async redactEvent(
    @RequestedBy() requester: Requester,
    @Path(redactPath) { roomId, eventId: redacts, txnId }: RedactPath,
    @JsonBody(redactBody) content: z.infer<typeof redactBody>,
  ) {
    const { eventId } = await this.messages.send({
      roomId,
      sender: requester.userId,
      event: { type: 'm.room.redaction', contentJson: JSON.stringify(content) },
      redacts,
      redactsOwnOnly: requester.suspended,
      transaction: transactionOf(requester, `redact ${redacts}`, txnId),
    });
    return { event_id: eventId };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey */
  @Put(['state/:eventType', 'state/:eventType/:stateKey'])
  @Authenticated({ guests: true, suspended: true })
  @RateLimited('message')
  async setRoomStateWithKey(
    @RequestedBy() requester: Requester,
    @Path(statePath) { roomId, eventType: type, stateKey }: StatePath,
    @Query(delayQuery) delayMs: number | undefined,
    @StoredJsonBody(jsonObject) content: JsonObject,
    @BodyText() contentJson: string,
  ) {
    const { userId: sender, guest } = requester;
    if (type === 'm.room.canonical_alias' && stateKey === '') {
      await checkAliasesElsewhere(this.owners, { roomId, sender, content });
    }
    if (delayMs !== undefined) {
      return this.delaying.schedule(requester, { roomId, type, stateKey, delayMs, content, contentJson });
    }
    checkMaySend(requester, { type, stateKey, content });
    if (type === 'm.room.member') await this.#checkMember({ roomId, sender, target: stateKey, content }, guest);
    if (type === 'm.room.member' && this.#isInviteElsewhere(stateKey, content)) {
      return { event_id: await inviteElsewhere(this.owners, { roomId, sender, target: stateKey, contentJson }) };
    }
    const event = { type, stateKey, contentJson };
    const { eventId } = await this.owners.rooms.sendEvent({ roomId, sender, event });
    return { event_id: eventId };
  }

  #isInviteElsewhere(userId: string, { membership }: JsonObject): boolean {
    return membership === 'invite' && isValidUserId(userId) && !this.owners.isOurs(domainOf(userId));
  }

  async #checkMember(event: MemberEvent, isGuest: boolean): Promise<void> {
    if (isGuest) await checkGuestMembership(this.owners, event);
    await this.limits.sent(event);
    const { roomId, sender, target, content } = event;
    if (content.membership === 'leave' && target === sender)
      await checkMayLeave(this.owners, { roomId, userId: sender });
    if (content.membership === 'invite' && isValidUserId(target)) await checkMayInvite(this.owners, sender, target);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey */
  @Get(['state/:eventType', 'state/:eventType/:stateKey'])
  @RateLimited('room_reads')
  @Authenticated({ guests: true })
  @AnswersJsonText()
  getRoomStateWithKey(
    @RequestedBy() { userId }: Requester,
    @Path(statePath) { roomId, eventType: type, stateKey }: StatePath,
    @Query(stateQuery) { format }: z.infer<typeof stateQuery>,
  ) {
    return readStateEventText(this.owners, { roomId, userId, type, stateKey }, format);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate */
  @Get('state')
  @RateLimited('room_reads')
  @Authenticated({ guests: true })
  @AnswersJsonText()
  getRoomState(@RequestedBy() { userId }: Requester, @Path(roomPath) { roomId }: RoomPath) {
    return readStateText(this.owners, { roomId, userId });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members */
  @Get('joined_members')
  @RateLimited('room_reads')
  async getJoinedMembersByRoom(@RequestedBy() { userId }: Requester, @Path(roomPath) { roomId }: RoomPath) {
    return { joined: await readJoinedMembers(this.owners, roomId, userId) };
  }
}
