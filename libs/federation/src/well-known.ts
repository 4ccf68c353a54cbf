import type { Outgoing, OutgoingAnswer } from '@ganglion/outgoing';
import { isValidServerName } from '@ganglion/protocol';

/** What a domain says of where its server is, and for how long that holds, in milliseconds. */
export interface WellKnown {
  /** Absent when it says nothing, or nothing that can be used. */
  readonly delegatedTo?: string;
  readonly forMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAX_BYTES = 51_200;
const TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 5;
const DEFAULT_MS = 24 * HOUR;
const LONGEST_MS = 48 * HOUR;
const SHORTEST_MS = 5 * MINUTE;
/** Of what failed: doubled with each time. */
const FIRST_FAILURE_MS = MINUTE;
const LONGEST_FAILURE_MS = HOUR;

/**
 * Asks a domain where its server is. Never fails: a domain that does not answer says nothing.
 *
 * @param failures how often in a row it has said nothing before
 * @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
 */
export async function askWellKnown(
  outgoing: Pick<Outgoing, 'request'>,
  hostname: string,
  failures: number,
): Promise<WellKnown> {
  const answer = await outgoing
    .request({
      url: `https://${hostname}/.well-known/matrix/server`,
      ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, maxRedirects: MAX_REDIRECTS },
    })
    .catch(() => undefined);
  const delegatedTo = answer?.status === 200 ? delegation(answer) : undefined;
  if (answer === undefined || delegatedTo === undefined) {
    return { forMs: Math.min(FIRST_FAILURE_MS * 2 ** failures, LONGEST_FAILURE_MS) };
  }
  return { delegatedTo, forMs: lifetime(answer) };
}

function delegation({ body }: OutgoingAnswer): string | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const server = (value as { 'm.server'?: unknown } | null)?.['m.server'];
    return isValidServerName(server) ? server : undefined;
  } catch {
    return undefined;
  }
}

function lifetime({ headers }: OutgoingAnswer): number {
  const control = String(headers['cache-control'] ?? '');
  if (/\bno-(?:store|cache)\b/.test(control)) return SHORTEST_MS;
  const seconds = /\bmax-age=(\d{1,10})\b/.exec(control)?.[1];
  const expires = Date.parse(String(headers.expires ?? ''));
  const unsaid = Number.isNaN(expires) ? DEFAULT_MS : expires - Date.now();
  const asked = seconds === undefined ? unsaid : Number(seconds) * 1000;
  return Math.min(Math.max(asked, SHORTEST_MS), LONGEST_MS);
}
