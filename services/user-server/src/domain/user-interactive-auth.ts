import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import type { SessionCompletion } from './ports.js';
import { seal } from './sealed.js';
import { SessionCompletedError } from './session-completed-error.js';
import { type Flow, isFulfilled, nextStages, UiaChallenge } from './uia-challenge.js';
import { parametersOf } from './uia-parameters.js';
import { type AuthData, authDataOf, type InteractiveRequest } from './uia-request.js';
import type { OpenSession, UiaSessions } from './uia-sessions.js';

/** Tries one stage. Throws a MatrixError with status 401 when the client may try again, others to refuse the request. */
export type Stage = (auth: AuthData, request: InteractiveRequest) => Promise<void>;

/** A request that is to be carried out once it has been authenticated. */
export interface InteractiveAttempt {
  /** What is asked for, in this request and in those before it in its session. */
  readonly parameters: JsonObject;
  /**
   * Resolves when the request has passed all stages of one of the flows.
   *
   * @throws UiaChallenge with what is to be done next
   * @throws MatrixError what stages refuse with
   */
  pass(flows: readonly Flow[]): Promise<void>;
  /** What is to be stored together with what the request does. */
  completion(result: unknown): SessionCompletion | undefined;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api */
export class UserInteractiveAuth {
  constructor(
    private readonly sessions: UiaSessions,
    private readonly stages: Readonly<Record<string, Stage>>,
  ) {}

  /**
   * Carries out what a request asks for, once for each session: when the request is repeated, because its answer was lost
   * perhaps, the result is that of the first time.
   *
   * @throws UiaChallenge
   * @throws MatrixError M_FORBIDDEN when the session belongs to another request, and whatever the work throws
   */
  async perform<T>(request: InteractiveRequest, work: (attempt: InteractiveAttempt) => Promise<T>): Promise<T> {
    const auth = authDataOf(request);
    const session = auth?.session === undefined ? undefined : await this.sessions.resume(auth.session, request);
    if (session?.outcome) return session.outcome.result as T;
    try {
      return await work({
        parameters: session?.parameters ?? parametersOf(request),
        pass: (flows) => this.#pass(request, flows, auth, session),
        completion: (result) => session && { sessionHash: session.hash, result: seal(result, session.id) },
      });
    } catch (error) {
      if (session === undefined || !(await this.#hasMovedOn(session, request, error))) throw error;
      return this.perform(request, work);
    }
  }

  /** Whether the work failed because another request of the session has done it meanwhile. */
  async #hasMovedOn({ id }: OpenSession, request: InteractiveRequest, error: unknown): Promise<boolean> {
    if (error instanceof SessionCompletedError) return true;
    return (await this.sessions.resume(id, request))?.outcome !== undefined;
  }

  async #pass(
    request: InteractiveRequest,
    flows: readonly Flow[],
    auth: AuthData | undefined,
    session: OpenSession | undefined,
  ): Promise<void> {
    if (session === undefined) return this.#passAtOnce(request, flows, auth);
    const completed = await this.#advance(request, flows, auth ?? { fields: {} }, session);
    if (!isFulfilled(flows, completed)) throw new UiaChallenge({ flows, session: session.id, completed });
  }

  /** One stage is enough for some flows: who begins with it needs no session. */
  async #passAtOnce(request: InteractiveRequest, flows: readonly Flow[], auth: AuthData | undefined): Promise<void> {
    if (auth?.session !== undefined) throw await this.#challenge(request, flows, [], gone());
    if (auth?.type === undefined) throw await this.#challenge(request, flows, undefined);
    const failure = await this.#try(request, flows, [], auth, auth.type);
    if (failure) throw await this.#challenge(request, flows, [], failure);
    if (!isFulfilled(flows, [auth.type])) throw await this.#challenge(request, flows, [auth.type]);
  }

  /** Tries the stage of the request, unless it is completed already; the stages completed after it. */
  async #advance(
    request: InteractiveRequest,
    flows: readonly Flow[],
    auth: AuthData,
    session: OpenSession,
  ): Promise<readonly string[]> {
    const { id, completed } = session;
    if (auth.type === undefined || completed.includes(auth.type)) return completed;
    const failure = await this.#try(request, flows, completed, auth, auth.type);
    if (failure) throw new UiaChallenge({ flows, session: id, completed, failure });
    return this.sessions.complete(session, auth.type);
  }

  /** Why the attempt does not count; undefined when it does. */
  async #try(
    request: InteractiveRequest,
    flows: readonly Flow[],
    completed: readonly string[],
    auth: AuthData,
    type: string,
  ): Promise<MatrixError | undefined> {
    const stage = nextStages(flows, completed).includes(type) ? this.stages[type] : undefined;
    if (stage === undefined) return new MatrixError(401, 'M_FORBIDDEN', `${type} is not what comes next`);
    try {
      await stage(auth, request);
      return undefined;
    } catch (error) {
      if (isMatrixError(error) && error.status === 401) return error;
      throw error;
    }
  }

  async #challenge(
    request: InteractiveRequest,
    flows: readonly Flow[],
    completed: readonly string[] | undefined,
    failure?: MatrixError,
  ): Promise<UiaChallenge> {
    return new UiaChallenge({
      flows,
      session: await this.sessions.begin(request, completed ?? []),
      completed,
      failure,
    });
  }
}

function gone(): MatrixError {
  return new MatrixError(401, 'M_UNKNOWN', 'The authentication session is not known or has expired');
}
