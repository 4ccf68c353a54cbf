import { isMatrixError } from '@ganglion/contracts';
import { type FederationAgent, RemoteRefusal, UnreachableServerError } from '@ganglion/federation';
import { CanonicalJsonError, type JsonObject, parseJson } from '@ganglion/protocol';
import { type Contents, type Route, SendingFailure, type TransactionSender } from '../domain/ports/sending.js';

const TIMEOUT_MS = 40_000;
/** These say that there is something wrong with the transaction itself, if it is a homeserver that says so. */
const REFUSED: ReadonlySet<number> = new Set([400, 413]);

/** Sends transactions over HTTP. */
export class HttpTransactionSender implements TransactionSender {
  constructor(private readonly agent: Pick<FederationAgent, 'request'>) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid */
  async send(
    { server: destination, origin }: Route,
    txnId: string,
    { pdus, edus }: Contents,
    signal: AbortSignal,
  ): Promise<void> {
    const body: JsonObject = {
      origin,
      origin_server_ts: Date.now(),
      pdus: pdus.map((pdu) => parseJson(pdu)),
      edus: edus.map((edu) => parseJson(edu)),
    };
    const path = `/_matrix/federation/v1/send/${encodeURIComponent(txnId)}`;
    try {
      await this.agent.request({ origin, destination, method: 'PUT', path, body, timeoutMs: TIMEOUT_MS, signal });
    } catch (error) {
      if (error instanceof UnreachableServerError) throw new SendingFailure(error.message, 'unreached');
      if (error instanceof RemoteRefusal) {
        const isRefused = REFUSED.has(error.status) && error.errcode !== '';
        throw new SendingFailure(error.message, isRefused ? 'refused' : 'unreached');
      }
      // The operator wants nothing to do with that server any more.
      if (isMatrixError(error)) throw new SendingFailure(error.message, 'unwanted');
      // Nobody could read it.
      if (error instanceof CanonicalJsonError) throw new SendingFailure(error.message, 'refused');
      throw error;
    }
  }
}
