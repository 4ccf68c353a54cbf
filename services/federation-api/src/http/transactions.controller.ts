import { MatrixError } from '@ganglion/contracts';
import { type Asked, AskedBy, FederationGuard, SignedBody } from '@ganglion/federation';
import { AnswersJsonText, LenientBody, Path } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Inject, Put, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { Transactions } from '../domain/incoming/transactions.js';

const MOST_PDUS = 50;
const MOST_EDUS = 100;
/** All that may be in one, with what servers add beside it. */
const MAX_BYTES = 12 * 1_048_576;

const transactionPath = z.object({ txnId: text.min(1).max(255) });
/** What is in the lists is looked at one by one: it is no reason to refuse the rest. */
const transactionBody = z.object({
  origin: z.string().optional(),
  origin_server_ts: z.int(),
  pdus: z.array(z.unknown()).max(MOST_PDUS, `holds more than ${MOST_PDUS} PDUs`).default([]),
  edus: z.array(z.unknown()).max(MOST_EDUS, `holds more than ${MOST_EDUS} EDUs`).default([]),
});

/** What other servers send unasked. */
@Controller('_matrix/federation/v1/send')
@UseGuards(FederationGuard)
export class TransactionsController {
  constructor(@Inject(Transactions) private readonly transactions: Transactions) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid */
  @Put(':txnId')
  @LenientBody({ maxBytes: MAX_BYTES })
  @AnswersJsonText()
  sendTransaction(
    @AskedBy() { origin, destination }: Asked,
    @Path(transactionPath) { txnId }: z.infer<typeof transactionPath>,
    @SignedBody(transactionBody) body: z.infer<typeof transactionBody>,
  ) {
    if (body.origin !== undefined && body.origin !== origin) {
      throw new MatrixError(400, 'M_BAD_JSON', 'origin: is not the server that sends this');
    }
    return this.transactions.receive({ origin, destination, txnId, pdus: body.pdus, edus: body.edus });
  }
}
