import { MatrixError } from '@ganglion/contracts';
import type { Credentials, UserReference } from './credentials.js';
import { badJson, forbidden } from './failures.js';
import type { DeviceRequest, Sessions, StartedSession } from './sessions.js';

export const PASSWORD_LOGIN = 'm.login.password';

export interface LoginRequest extends UserReference, DeviceRequest {
  readonly type: string;
  readonly password?: string | undefined;
}

/** Logging in. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-login */
export class Login {
  constructor(
    private readonly credentials: Credentials,
    private readonly sessions: Sessions,
  ) {}

  /**
   * @throws MatrixError M_UNKNOWN for another type of login, M_FORBIDDEN when name and password do not fit,
   *   M_LIMIT_EXCEEDED
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login
   */
  async login(request: LoginRequest, serverName: string): Promise<StartedSession> {
    if (request.type !== PASSWORD_LOGIN) throw new MatrixError(400, 'M_UNKNOWN', `Unknown login type ${request.type}`);
    if (request.password === undefined) throw badJson('password is required');
    const candidates = this.credentials.candidates(request, serverName);
    const account = await this.credentials.check(candidates, request.password);
    if (account === undefined) throw forbidden('Invalid username or password');
    return this.sessions.start(account, request);
  }
}
