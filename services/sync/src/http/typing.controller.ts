import { MatrixError } from '@ganglion/contracts';
import { Authenticated, JsonBody, Path, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { Typing } from '../domain/ephemeral/typing.js';
import { roomPath } from './parameters.js';

const DEFAULT_TIMEOUT_MS = 30_000;

const typingPath = roomPath.extend({ userId: z.string() });
const typingBody = z.object({
  typing: z.boolean(),
  timeout: z.int().nonnegative().nullish(),
});

@Controller('_matrix/client/v3/rooms/:roomId/typing')
@Authenticated()
export class TypingController {
  constructor(@Inject(Typing) private readonly typing: Typing) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid */
  @Put(':userId')
  @RateLimited('typing')
  async setTyping(
    @RequestedBy() requester: Requester,
    @Path(typingPath) { roomId, userId }: z.infer<typeof typingPath>,
    @JsonBody(typingBody) { typing, timeout }: z.infer<typeof typingBody>,
  ) {
    if (userId !== requester.userId) throw new MatrixError(403, 'M_FORBIDDEN', 'You cannot type for somebody else');
    await this.typing.set(userId, roomId, typing ? (timeout ?? DEFAULT_TIMEOUT_MS) : 0);
    return {};
  }
}
