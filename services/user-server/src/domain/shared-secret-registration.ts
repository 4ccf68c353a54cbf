import { createHmac, timingSafeEqual } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import type { AccountCreation, CreatedAccount } from './account-creation.js';
import { forbidden, invalidParam } from './failures.js';
import type { PasswordPolicy } from './password-policy.js';
import type { NonceStore } from './ports.js';
import { isOurNonce, newNonce } from './registration-nonce.js';
import type { DeviceRequest } from './sessions.js';
import { userIdForUsername } from './usernames.js';

export interface SharedSecretRequest extends DeviceRequest {
  readonly nonce: string;
  readonly username: string;
  readonly password: string;
  readonly mac: string;
  readonly admin?: boolean | undefined;
  readonly userType?: string | undefined;
  readonly displayname?: string | undefined;
  readonly inhibitLogin?: boolean | undefined;
}

/** Longer than any nonce lives, whatever the clocks of the replicas say. */
const REMEMBERED_MS = 600_000;

/** Accounts made by who knows the registration secret, in the way that Synapse's tools do it. */
export class SharedSecretRegistration {
  constructor(
    private readonly secret: string | undefined,
    private readonly nonces: NonceStore,
    private readonly creation: AccountCreation,
    private readonly policy: PasswordPolicy,
  ) {}

  /** A nonce for one request within the next minute. @throws MatrixError M_UNKNOWN when there is no secret */
  newNonce(): string {
    return newNonce(this.#requireSecret());
  }

  /**
   * @throws MatrixError M_UNKNOWN when there is no secret or the nonce cannot be used, M_FORBIDDEN when the MAC is
   *   wrong, M_INVALID_USERNAME, M_USER_IN_USE, M_WEAK_PASSWORD
   */
  async register(request: SharedSecretRequest, serverName: string): Promise<CreatedAccount> {
    const secret = this.#requireSecret();
    if (!isOurNonce(request.nonce, secret)) throw unrecognised();
    if (!isRightMac(request, secret)) throw forbidden('The MAC is wrong');
    if (!(await this.nonces.use(request.nonce, REMEMBERED_MS))) throw unrecognised();
    const { username, password, admin = false, userType, displayname, inhibitLogin } = request;
    const userId = userIdForUsername(username, serverName);
    this.policy.check(password);
    return this.creation.create(
      { userId, admin, displayname: displayname ?? username, ...(userType !== undefined && { userType }) },
      password,
      inhibitLogin ? undefined : request,
    );
  }

  #requireSecret(): string {
    if (this.secret === undefined) {
      throw new MatrixError(400, 'M_UNKNOWN', 'Registration by shared secret is not enabled');
    }
    return this.secret;
  }
}

function unrecognised(): MatrixError {
  return new MatrixError(400, 'M_UNKNOWN', 'Unrecognised nonce');
}

function isRightMac(request: SharedSecretRequest, secret: string): boolean {
  const { nonce, username, password, admin, userType } = request;
  const parts = [
    nonce,
    username,
    password,
    admin ? 'admin' : 'notadmin',
    ...(userType === undefined ? [] : [userType]),
  ];
  // The parts are told apart by NUL, so none may hold one.
  if (parts.some((part) => part.includes('\0'))) throw invalidParam('NUL is not allowed');
  const expected = createHmac('sha1', secret).update(parts.join('\0')).digest();
  const given = Buffer.from(request.mac, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
