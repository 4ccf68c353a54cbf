import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** What Node's HTTP parser gives up on, before there is a request that anything else could answer. */
const KNOWN: Readonly<Record<string, readonly [status: string, errcode: string, error: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'M_TOO_LARGE', 'The URL and headers are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'M_UNKNOWN', 'The request did not arrive in time'],
  HPE_INVALID_METHOD: ['405 Method Not Allowed', 'M_UNRECOGNIZED', 'There is no such method'],
};
const OTHERS = ['400 Bad Request', 'M_UNKNOWN', 'This is not an HTTP request'] as const;

/**
 * Answers what is no HTTP as the specification wants every error to be answered, and hangs up.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export function answerUnreadableRequests(server: Server): void {
  server.on('clientError', (fault: NodeJS.ErrnoException, socket: Socket) => {
    if (fault.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, errcode, error] = KNOWN[fault.code ?? ''] ?? OTHERS;
    const body = JSON.stringify({ errcode, error });
    const headers = [
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      'access-control-allow-origin: *',
      'connection: close',
    ];
    socket.end(`HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
  });
}
