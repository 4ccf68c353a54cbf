import { Authenticated, RequestedBy, type Requester, TOKEN_REVOCATIONS, type TokenRevocations } from '@ganglion/http';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';

export class WaitingModule {}

/** An endpoint that waits for something that never happens, as /sync may; ends with its connection. */
@Controller('wait')
export class WaitingController {
  static waiting = 0;

  constructor(@Inject(TOKEN_REVOCATIONS) private readonly revocations: TokenRevocations) {}

  @Get()
  @Authenticated({ guests: true })
  wait(@RequestedBy() requester: Requester, @Res({ passthrough: true }) reply: FastifyReply) {
    WaitingController.waiting += 1;
    const closed = new Promise((resolve) => reply.raw.once('close', resolve)).then(() => {
      WaitingController.waiting -= 1;
    });
    return this.revocations.whileValid(requester, closed);
  }
}
