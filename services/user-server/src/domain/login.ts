import { MatrixError } from '@ganglion/contracts';
import type { Count } from './counted-attempts.js';
import type { Credentials, UserReference } from './credentials.js';
import { badJson, forbidden } from './failures.js';
import { accountLocked } from './locked.js';
import type { DeviceRequest, Sessions, StartedSession } from './sessions.js';

export const PASSWORD_LOGIN = 'm.login.password';

export interface LoginRequest extends UserReference, DeviceRequest {
  readonly type: string;
  readonly password?: string | undefined;
}

/** Where somebody logs in, and from where. */
export interface LoginPlace {
  readonly serverName: string;
  /** The neighbourhood of their address. */
  readonly network: string;
}

/** Logging in. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-login */
export class Login {
  constructor(
    private readonly credentials: Credentials,
    private readonly sessions: Sessions,
  ) {}

  /**
   * @throws MatrixError M_UNKNOWN for another type of login, M_FORBIDDEN when name and password do not fit,
   *   M_USER_LOCKED, M_LIMIT_EXCEEDED
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login
   */
  async login(request: LoginRequest, place: LoginPlace): Promise<StartedSession> {
    if (request.type !== PASSWORD_LOGIN) throw new MatrixError(400, 'M_UNKNOWN', `Unknown login type ${request.type}`);
    if (request.password === undefined) throw badJson('password is required');
    const candidates = this.credentials.candidates(request, place.serverName);
    const account = await this.credentials.check(candidates, request.password, failuresOf(candidates, place));
    if (account === undefined) throw forbidden('Invalid username or password');
    if (account.locked) throw accountLocked();
    return this.sessions.start(account, request);
  }
}

/** Not by account alone, or anybody could lock its owner out. */
function failuresOf(candidates: readonly string[], { network }: LoginPlace): Count[] {
  const account = candidates.at(-1);
  const ofAccount: Count[] = account === undefined ? [] : [['login_failed', `${account} ${network}`]];
  return [...ofAccount, ['login_failed_per_network', network]];
}
