import type { MatrixError } from '@ganglion/contracts';

/** The stages of one way to authenticate, in order. */
export type Flow = readonly string[];

export interface ChallengeState {
  readonly flows: readonly Flow[];
  readonly session: string;
  /** What clients need to know of stages before they try them, by stage. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The stages that are done; undefined for who has tried none. */
  readonly completed?: readonly string[] | undefined;
  /** Why the last attempt did not count. */
  readonly failure?: MatrixError | undefined;
}

/**
 * The request needs (more) user-interactive authentication: answered with 401 and what the client needs to go on.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-api-in-the-rest-api
 */
export class UiaChallenge extends Error {
  override readonly name = 'UiaChallenge';
  readonly #state: ChallengeState;

  constructor(state: ChallengeState) {
    super('user-interactive authentication is required');
    this.#state = state;
  }

  /** The body of the answer. */
  toJSON(): Record<string, unknown> {
    const { flows, params, session, completed, failure } = this.#state;
    return {
      flows: flows.map((stages) => ({ stages })),
      params,
      session,
      ...(completed && { completed }),
      ...(failure && { errcode: failure.errcode, error: failure.message }),
    };
  }
}

/** The stages that may come next. */
export function nextStages(flows: readonly Flow[], completed: readonly string[]): string[] {
  return flows
    .filter((flow) => completed.every((stage, index) => flow[index] === stage))
    .flatMap((flow) => flow[completed.length] ?? []);
}

export function isFulfilled(flows: readonly Flow[], completed: readonly string[]): boolean {
  return flows.some((flow) => flow.length === completed.length && flow.every((stage, i) => stage === completed[i]));
}
