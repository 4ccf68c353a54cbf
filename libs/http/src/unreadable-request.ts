import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

type Answer = readonly [status: number, reason: string, errcode: string, error: string];

/** What Node's HTTP parser gives up on, before there is a request that anything else could answer. */
const KNOWN: Readonly<Record<string, Answer>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'M_TOO_LARGE', 'The URL and headers are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'M_UNKNOWN', 'The request did not arrive in time'],
  HPE_INVALID_METHOD: [405, 'Method Not Allowed', 'M_UNRECOGNIZED', 'There is no such method'],
};
const OTHERS: Answer = [400, 'Bad Request', 'M_UNKNOWN', 'This is not an HTTP request'];
const NO_PROXY: Answer = [405, 'Method Not Allowed', 'M_UNRECOGNIZED', 'This server is no proxy'];
const UNEXPECTED: Answer = [417, 'Expectation Failed', 'M_UNKNOWN', 'Nothing is known of what the request expects'];

/**
 * Answers what never becomes a request to the application, such as what is no HTTP, as the specification wants every error
 * to be answered, and hangs up.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export function answerUnreadableRequests(server: Server): void {
  server.on('clientError', (fault: NodeJS.ErrnoException, socket) => {
    if (fault.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else hangUp(socket, KNOWN[fault.code ?? ''] ?? OTHERS);
  });
  server.on('connect', (_request, socket) => hangUp(socket, NO_PROXY));
  server.on('checkExpectation', (_request, response: ServerResponse) => {
    const { headers, body } = answerOf(UNEXPECTED);
    response.writeHead(UNEXPECTED[0], headers).end(body);
  });
}

function hangUp(socket: Duplex, answer: Answer): void {
  const [status, reason] = answer;
  const { headers, body } = answerOf(answer);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${body}`);
}

function answerOf([, , errcode, error]: Answer) {
  const body = JSON.stringify({ errcode, error });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'access-control-allow-origin': '*',
    connection: 'close',
  };
  return { headers, body };
}
