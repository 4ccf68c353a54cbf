import { MatrixError } from '@ganglion/contracts';
import { Authenticated, JsonBody, Path, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { eventId } from '@ganglion/http/values';
import { InvalidThreadIdError, parseReceiptThreadId } from '@ganglion/protocol';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { Receipts } from '../domain/ephemeral/receipts.js';
import { eventPath, roomPath } from './parameters.js';

const receiptPath = eventPath.extend({ receiptType: z.enum(['m.read', 'm.read.private', 'm.fully_read']) });
const receiptBody = z.object({ thread_id: z.unknown().optional() }).default({});

const marker = eventId.nullish();
const readMarkersBody = z.object({ 'm.fully_read': marker, 'm.read': marker, 'm.read.private': marker });

type ReceiptPath = z.infer<typeof receiptPath>;
type RoomPath = z.infer<typeof roomPath>;

@Controller('_matrix/client/v3/rooms/:roomId')
@Authenticated({ suspended: true })
export class ReceiptsController {
  constructor(@Inject(Receipts) private readonly receipts: Receipts) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid */
  @Post('receipt/:receiptType/:eventId')
  @HttpCode(200)
  @RateLimited('receipts')
  async postReceipt(
    @RequestedBy() { userId }: Requester,
    @Path(receiptPath) { roomId, receiptType, eventId }: ReceiptPath,
    @JsonBody(receiptBody) body: z.infer<typeof receiptBody>,
  ) {
    const threadId = readThreadId(body.thread_id);
    if (receiptType !== 'm.fully_read') {
      await this.receipts.post([{ userId, roomId, type: receiptType, eventId, threadId }]);
      return {};
    }
    if (threadId !== undefined) throw invalidParam('m.fully_read is for all of a room: it takes no thread_id');
    await this.receipts.setFullyRead({ userId, roomId }, eventId);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidread_markers */
  @Post('read_markers')
  @HttpCode(200)
  @RateLimited('receipts')
  async setReadMarker(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(readMarkersBody) body: z.infer<typeof readMarkersBody>,
  ) {
    const receipts = (['m.read', 'm.read.private'] as const).flatMap((type) => {
      const eventId = body[type];
      return eventId ? [{ userId, roomId, type, eventId, threadId: undefined }] : [];
    });
    await this.receipts.post(receipts);
    const fullyRead = body['m.fully_read'];
    if (fullyRead) await this.receipts.setFullyRead({ userId, roomId }, fullyRead);
    return {};
  }
}

function readThreadId(threadId: unknown): string | undefined {
  try {
    return parseReceiptThreadId(threadId);
  } catch (error) {
    if (error instanceof InvalidThreadIdError) throw invalidParam(error.message);
    throw error;
  }
}

function invalidParam(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
