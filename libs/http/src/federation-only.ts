import type { RequestListener } from 'node:http';

/** What other servers ask for. Paths are looked at as they come: who encodes one of these letters is none of them. */
const OF_SERVERS = /^\/(?:_matrix\/(?:federation|key)\/|\.well-known\/matrix\/server(?:[?/]|$)|health(?:[?/]|$))/;

/** A path that nothing answers. */
const NOWHERE = '/';

/** Answers as `handle` does what other servers ask for, and all else as what is unknown. */
export function federationOnly(handle: RequestListener): RequestListener {
  return (request, response) => {
    if (!OF_SERVERS.test(request.url ?? '')) request.url = NOWHERE;
    handle(request, response);
  };
}
