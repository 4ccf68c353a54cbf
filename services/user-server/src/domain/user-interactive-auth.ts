import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import type { SessionCompletion } from './ports.js';
import { seal } from './sealed.js';
import { SessionCompletedError } from './session-completed-error.js';
import { type Flow, isFulfilled, nextStages, UiaChallenge } from './uia-challenge.js';
import { parametersOf } from './uia-parameters.js';
import { type AuthData, authDataOf, type InteractiveRequest } from './uia-request.js';
import type { Evidence, OpenSession, Progress, UiaSessions } from './uia-sessions.js';

/** One way to show something. */
export interface Stage {
  /** What clients need to know before they try it. */
  readonly params?: object;
  /**
   * Tries it; what it has shown, if that matters later.
   *
   * @throws MatrixError with status 401 when the client may try again, others to refuse the request
   */
  attempt(auth: AuthData, request: InteractiveRequest): Promise<unknown>;
}

/** A request that is to be carried out once it has been authenticated. */
export interface InteractiveAttempt {
  /** What is asked for, in this request and in those before it in its session. */
  readonly parameters: JsonObject;
  /**
   * Resolves when the request has passed all stages of one of the flows, with what they have shown.
   *
   * @throws UiaChallenge with what is to be done next
   * @throws MatrixError what stages refuse with
   */
  pass(flows: readonly Flow[]): Promise<Evidence>;
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
  ): Promise<Evidence> {
    if (session === undefined) return this.#passAtOnce(request, flows, auth);
    const { completed, evidence } = await this.#advance(request, flows, auth ?? { fields: {} }, session);
    if (isFulfilled(flows, completed)) return evidence;
    throw new UiaChallenge({ flows, params: this.#paramsOf(flows), session: session.id, completed });
  }

  /** One stage is enough for some flows: who begins with it needs no session. */
  async #passAtOnce(
    request: InteractiveRequest,
    flows: readonly Flow[],
    auth: AuthData | undefined,
  ): Promise<Evidence> {
    if (auth?.session !== undefined) throw await this.#challenge(request, flows, { failure: gone(), completed: [] });
    if (auth?.type === undefined) throw await this.#challenge(request, flows, {});
    const { failure, shown } = await this.#try(request, flows, [], auth, auth.type);
    if (failure) throw await this.#challenge(request, flows, { failure, completed: [] });
    const evidence = shown === undefined ? {} : { [auth.type]: shown };
    if (isFulfilled(flows, [auth.type])) return evidence;
    throw await this.#challenge(request, flows, { completed: [auth.type], evidence });
  }

  /** Tries the stage of the request, unless it is completed already; how far the session is after it. */
  async #advance(
    request: InteractiveRequest,
    flows: readonly Flow[],
    auth: AuthData,
    session: OpenSession,
  ): Promise<Progress> {
    const { id, completed } = session;
    if (auth.type === undefined || completed.includes(auth.type)) return session;
    const { failure, shown } = await this.#try(request, flows, completed, auth, auth.type);
    if (failure) throw new UiaChallenge({ flows, params: this.#paramsOf(flows), session: id, completed, failure });
    return this.sessions.complete(session, auth.type, shown);
  }

  /** What the attempt has shown, or why it does not count. */
  async #try(
    request: InteractiveRequest,
    flows: readonly Flow[],
    completed: readonly string[],
    auth: AuthData,
    type: string,
  ): Promise<{ readonly failure?: MatrixError; readonly shown?: unknown }> {
    const stage = nextStages(flows, completed).includes(type) ? this.stages[type] : undefined;
    if (stage === undefined) return { failure: new MatrixError(401, 'M_FORBIDDEN', `${type} is not what comes next`) };
    try {
      return { shown: await stage.attempt(auth, request) };
    } catch (error) {
      if (isMatrixError(error) && error.status === 401) return { failure: error };
      throw error;
    }
  }

  #paramsOf(flows: readonly Flow[]): Record<string, unknown> {
    const entries = flows.flat().map((type) => [type, this.stages[type]?.params] as const);
    return Object.fromEntries(entries.filter(([, params]) => params !== undefined));
  }

  async #challenge(
    request: InteractiveRequest,
    flows: readonly Flow[],
    { completed, evidence, failure }: Partial<Progress> & { readonly failure?: MatrixError },
  ): Promise<UiaChallenge> {
    const session = await this.sessions.begin(request, flows, completed ?? [], evidence);
    return new UiaChallenge({ flows, params: this.#paramsOf(flows), session, completed, failure });
  }
}

function gone(): MatrixError {
  return new MatrixError(401, 'M_UNKNOWN', 'The authentication session is not known or has expired');
}
