import { type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import { forbidden } from './failures.js';
import type { UiaSession, UiaSessionStore } from './ports.js';
import { seal, unseal } from './sealed.js';
import type { Flow } from './uia-challenge.js';
import { addedParameters, checkRememberable, parametersOf } from './uia-parameters.js';
import { hashSessionId, type InteractiveRequest, newSessionId } from './uia-request.js';

/** What completed stages have shown, by stage: which token was given, say. */
export type Evidence = Readonly<Record<string, unknown>>;

/** A session as it is when one of its requests has been read. */
export interface OpenSession {
  readonly id: string;
  readonly hash: Buffer;
  readonly parameters: JsonObject;
  readonly completed: readonly string[];
  readonly evidence: Evidence;
  /** What the request was answered; undefined until it has been carried out. */
  readonly outcome: { readonly result: unknown } | undefined;
}

type PassedSoFar = Pick<OpenSession, 'id' | 'hash' | 'completed' | 'evidence'>;

/** A session without what was asked for in it. */
interface SeenSession extends PassedSoFar {
  readonly flows: readonly Flow[];
  /** Who has begun it; undefined where nobody was logged in. */
  readonly userId: string | undefined;
}

/** How far a session has come. */
export type Progress = Pick<OpenSession, 'completed' | 'evidence'>;

const LIFETIME_MS = 15 * 60_000;

/**
 * Sessions of user-interactive authentication. They are stored, so that any replica can go on with one, and bound to one
 * user, method and URI. What was asked for is remembered in them, passwords too, so it is sealed with the session's id, which
 * is the client's alone.
 */
export class UiaSessions {
  constructor(
    private readonly store: UiaSessionStore,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * Begins a session and returns its id.
   *
   * @throws MatrixError M_LIMIT_EXCEEDED when too many begin at one address, M_TOO_LARGE
   */
  async begin(
    request: InteractiveRequest,
    flows: readonly Flow[],
    completed: readonly string[],
    evidence: Evidence = {},
  ): Promise<string> {
    const parameters = parametersOf(request);
    checkRememberable(parameters, request);
    await takeOrThrow(this.limiter, 'auth_sessions', request.address);
    const id = newSessionId();
    const { endpoint, userId } = request;
    const session = {
      endpoint,
      userId,
      flows,
      parameters: seal(parameters, id),
      completed,
      evidence: seal(evidence, id),
    };
    await this.store.create(hashSessionId(id), session, LIFETIME_MS);
    return id;
  }

  /**
   * Goes on with a session, and remembers what its next request asks for in addition. Undefined when there is none.
   *
   * @throws MatrixError M_FORBIDDEN when the session belongs to another request, M_TOO_LARGE
   */
  async resume(id: string, request: InteractiveRequest): Promise<OpenSession | undefined> {
    const hash = hashSessionId(id);
    const found = await this.store.find(hash);
    if (found === undefined) return undefined;
    if (found.endpoint !== request.endpoint || found.userId !== request.userId) {
      throw forbidden('This authentication session belongs to another request');
    }
    const remembered = unseal<JsonObject>(found.parameters, id);
    const added = addedParameters(remembered, parametersOf(request));
    if (added !== undefined && found.result === undefined) {
      checkRememberable(added, request);
      // Another request was faster: what this one asks for has to go with what that one did.
      if (!(await this.store.extend(hash, found.parameters, seal(added, id)))) return this.resume(id, request);
    }
    const evidence = found.evidence === undefined ? {} : unseal<Evidence>(found.evidence, id);
    const parameters = added ?? remembered;
    return { id, hash, parameters, completed: found.completed, evidence, outcome: outcomeOf(found, id) };
  }

  /** A session as it is, for who has its id and nothing else. Undefined when there is none. */
  async look(id: string): Promise<SeenSession | undefined> {
    const hash = hashSessionId(id);
    const found = await this.store.find(hash);
    if (found?.flows === undefined) return undefined;
    const { flows, userId, completed } = found;
    const evidence = found.evidence === undefined ? {} : unseal<Evidence>(found.evidence, id);
    return { id, hash, flows, userId, completed, evidence };
  }

  /** Notes a completed stage and what it has shown; how far the session is after it, whoever was faster. */
  async complete({ id, hash, ...before }: PassedSoFar, stage: string, shown: unknown): Promise<Progress> {
    const evidence = { ...before.evidence, ...(shown !== undefined && { [stage]: shown }) };
    if (await this.store.complete(hash, before.completed, stage, seal(evidence, id))) {
      return { completed: [...before.completed, stage], evidence };
    }
    const now = await this.store.find(hash);
    return { completed: now?.completed ?? [], evidence: now?.evidence ? unseal<Evidence>(now.evidence, id) : {} };
  }
}

function outcomeOf({ result }: UiaSession, id: string): OpenSession['outcome'] {
  return result && { result: unseal(result, id) };
}
