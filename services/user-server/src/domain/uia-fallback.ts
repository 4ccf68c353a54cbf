import { isMatrixError, type MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import { forbidden, notFound } from './failures.js';
import { PASSWORD_LOGIN } from './login.js';
import { nextStages } from './uia-challenge.js';
import type { UiaSessions } from './uia-sessions.js';
import type { Stage } from './user-interactive-auth.js';

/** Where somebody looks at a page, and from where. */
export interface FallbackPlace {
  readonly serverName: string;
  readonly address: string;
}

/** A stage of a session that is to be passed, or has been. */
export interface FallbackStage {
  readonly isDone: boolean;
  /** What there is to know before it is tried. */
  readonly params: object | undefined;
}

/**
 * Stages that people pass on pages of ours, as their client does not know how to. The client then goes on with the session.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#fallback
 */
export class UiaFallback {
  constructor(
    private readonly sessions: UiaSessions,
    private readonly stages: Readonly<Record<string, Stage>>,
  ) {}

  /** @throws MatrixError M_NOT_FOUND when there is no such session, M_FORBIDDEN when the stage is not what comes next in it */
  async look(type: string, sessionId: string): Promise<FallbackStage> {
    const { isDone, stage } = await this.#find(type, sessionId);
    return { isDone, params: stage?.params };
  }

  /**
   * Tries a stage with what was filled in.
   *
   * @throws MatrixError as `look`, and as the stage refuses: with a status of 401 for what may be tried again
   */
  async attempt(type: string, sessionId: string, fields: JsonObject, place: FallbackPlace): Promise<void> {
    const { isDone, session, stage } = await this.#find(type, sessionId);
    if (isDone) return;
    const { userId } = session;
    // Who looks at the page is who has begun the session, or nobody can pass.
    const own = type === PASSWORD_LOGIN && { identifier: { type: 'm.id.user', user: userId ?? '' } };
    const shown = await stage?.attempt(
      { type, session: sessionId, fields: { ...fields, ...own } },
      { endpoint: 'fallback', ...place, body: {}, ...(userId !== undefined && { userId, deviceId: 'fallback' }) },
    );
    const { completed } = await this.sessions.complete(session, type, shown);
    if (!completed.includes(type)) throw notNext(type);
  }

  async #find(type: string, sessionId: string) {
    const session = await this.sessions.look(sessionId);
    if (session === undefined) throw notFound('The authentication session is not known or has expired');
    const { flows, completed } = session;
    const stage = Object.hasOwn(this.stages, type) ? this.stages[type] : undefined;
    const isDone = completed.includes(type);
    if (!isDone && (stage === undefined || !nextStages(flows, completed).includes(type))) throw notNext(type);
    return { session, stage, isDone };
  }
}

/** Whether something else may be filled in. */
export function mayTryAgain(error: unknown): error is MatrixError {
  return isMatrixError(error) && (error.status === 401 || error.errcode === 'M_BAD_JSON');
}

function notNext(type: string): MatrixError {
  return forbidden(`${type} is not what comes next`);
}
