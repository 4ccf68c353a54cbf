import { Authenticated, Path, RequestedBy, type Requester, StoredJsonBody } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import { Controller, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { ServerNotices } from '../domain/server-notices.js';
import { optionalText } from './values.js';

const transactionPath = z.object({ txnId: text });
const noticeBody = z.object({
  user_id: text,
  type: text.min(1).default('m.room.message'),
  state_key: optionalText,
  content: jsonObject,
});
type NoticeBody = z.output<typeof noticeBody>;

/** What administrators have to say to single users, at the place where Synapse's tools look for it. */
@Controller('_synapse/admin/v1/send_server_notice')
@Authenticated({ admins: true })
export class ServerNoticeController {
  constructor(@Inject(ServerNotices) private readonly notices: ServerNotices) {}

  @Post()
  @HttpCode(200)
  sendServerNotice(@RequestedBy() requester: Requester, @StoredJsonBody(noticeBody) body: NoticeBody) {
    return this.#send(requester, body, undefined);
  }

  /** Of requests with the same id, one is done. */
  @Put(':txnId')
  sendServerNoticeOnce(
    @RequestedBy() requester: Requester,
    @Path(transactionPath) { txnId }: z.output<typeof transactionPath>,
    @StoredJsonBody(noticeBody) body: NoticeBody,
  ) {
    return this.#send(requester, body, txnId);
  }

  async #send(requester: Requester, body: NoticeBody, txnId: string | undefined) {
    const { user_id: userId, type, state_key: stateKey, content } = body;
    return { event_id: await this.notices.send(requester, { userId, type, stateKey, content, txnId }) };
  }
}
