import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { forbidden } from './failures.js';
import type { UiaSession, UiaSessionStore } from './ports.js';
import { type Flow, isFulfilled, nextStages, UiaChallenge } from './uia-challenge.js';
import {
  type AuthData,
  authDataOf,
  digestBody,
  hashSessionId,
  type InteractiveRequest,
  newSessionId,
} from './uia-request.js';

/** Tries one stage. Throws a MatrixError with status 401 when the client may try again, others to refuse the request. */
export type Stage = (auth: AuthData, request: InteractiveRequest) => Promise<void>;

const SESSION_LIFETIME_MS = 15 * 60_000;

/**
 * User-interactive authentication. Sessions are stored, so that any replica can go on with one; each is bound to one
 * endpoint, one user and one request, and authorises it once.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export class UserInteractiveAuth {
  constructor(
    private readonly sessions: UiaSessionStore,
    private readonly stages: Readonly<Record<string, Stage>>,
  ) {}

  /**
   * Resolves when the request has passed all stages of one of the flows.
   *
   * @throws UiaChallenge with what is to be done next
   * @throws MatrixError M_FORBIDDEN when the session belongs to another request, and what stages refuse with
   */
  async pass(request: InteractiveRequest, flows: readonly Flow[]): Promise<void> {
    const auth = authDataOf(request);
    if (auth?.session !== undefined) return this.#continue(request, flows, auth, auth.session);
    if (auth?.type === undefined) throw await this.#begin(request, flows, []);
    const failure = await this.#try(request, flows, [], { ...auth, type: auth.type });
    if (failure) throw await this.#begin(request, flows, [], failure);
    if (!isFulfilled(flows, [auth.type])) throw await this.#begin(request, flows, [auth.type]);
  }

  async #continue(request: InteractiveRequest, flows: readonly Flow[], auth: AuthData, session: string): Promise<void> {
    const hash = hashSessionId(session);
    const found = await this.sessions.find(hash);
    if (found === undefined) throw await this.#begin(request, flows, [], gone());
    await this.#checkBinding(request, found, session);
    const completed = await this.#advance(request, flows, auth, { session, hash, completed: found.completed });
    if (!isFulfilled(flows, completed)) throw new UiaChallenge({ flows, session, completed });
    if (!(await this.sessions.consume(hash))) throw await this.#begin(request, flows, [], gone());
  }

  /** Tries the stage of the request, unless it is completed already; the stages completed after it. */
  async #advance(
    request: InteractiveRequest,
    flows: readonly Flow[],
    { type, ...auth }: AuthData,
    { session, hash, completed }: { session: string; hash: Buffer; completed: readonly string[] },
  ): Promise<readonly string[]> {
    if (type === undefined || completed.includes(type)) return completed;
    const failure = await this.#try(request, flows, completed, { ...auth, type });
    if (failure) throw new UiaChallenge({ flows, session, completed, failure });
    if (await this.sessions.complete(hash, completed, type)) return [...completed, type];
    // Another request was faster: what counts is what it left.
    return (await this.sessions.find(hash))?.completed ?? [];
  }

  /** Why the attempt does not count; undefined when it does. */
  async #try(
    request: InteractiveRequest,
    flows: readonly Flow[],
    completed: readonly string[],
    auth: AuthData & { readonly type: string },
  ): Promise<MatrixError | undefined> {
    const stage = nextStages(flows, completed).includes(auth.type) ? this.stages[auth.type] : undefined;
    if (stage === undefined) return new MatrixError(401, 'M_FORBIDDEN', `${auth.type} is not what comes next`);
    try {
      await stage(auth, request);
      return undefined;
    } catch (error) {
      if (isMatrixError(error) && error.status === 401) return error;
      throw error;
    }
  }

  async #begin(
    request: InteractiveRequest,
    flows: readonly Flow[],
    completed: readonly string[],
    failure?: MatrixError,
  ): Promise<UiaChallenge> {
    const session = newSessionId();
    const bodyDigest = digestBody(request, session);
    const { endpoint, userId } = request;
    await this.sessions.create(
      hashSessionId(session),
      { endpoint, userId, bodyDigest, completed },
      SESSION_LIFETIME_MS,
    );
    return new UiaChallenge({ flows, session, completed, failure });
  }

  async #checkBinding(request: InteractiveRequest, found: UiaSession, session: string): Promise<void> {
    const digest = digestBody(request, session);
    const sameEndpoint = found.endpoint === request.endpoint && found.userId === request.userId;
    if (!sameEndpoint || !(await this.#isBoundTo(digest, found, session))) {
      throw forbidden('This authentication session belongs to another request');
    }
  }

  async #isBoundTo(digest: Buffer | undefined, found: UiaSession, session: string): Promise<boolean> {
    if (digest === undefined) return found.bodyDigest === undefined;
    const bound = found.bodyDigest ?? (await this.sessions.bind(hashSessionId(session), digest));
    return bound?.equals(digest) ?? false;
  }
}

function gone(): MatrixError {
  return new MatrixError(401, 'M_UNKNOWN', 'The authentication session is not known or has expired');
}
