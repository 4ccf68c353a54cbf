import { randomBytes } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import { checkAdmin } from './administrators.js';
import { badJson, forbidden, invalidParam, notFound } from './failures.js';
import type { RegistrationToken, RegistrationTokenLimits, RegistrationTokenStore, Requester } from './ports.js';
import type { Stage } from './user-interactive-auth.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration */
const TOKEN = /^[\w.~-]{1,64}$/;
const RANDOM_BYTES = 12;

/** Tokens that let a limited set of people make accounts. */
export class RegistrationTokens {
  constructor(
    private readonly store: RegistrationTokenStore,
    private readonly registrationIsOpen: boolean,
  ) {}

  /**
   * Whether a token can be used right now.
   *
   * @throws MatrixError M_FORBIDDEN when nobody may register
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity
   */
  async isValid(token: string): Promise<boolean> {
    if (!this.registrationIsOpen) throw forbidden('Registration is disabled');
    return this.#isUsable(token);
  }

  /** Shows a token, which is used with the account that is made. */
  readonly stage: Stage = {
    attempt: async ({ fields: { token } }) => {
      if (typeof token !== 'string') throw badJson('auth.token is required');
      if (!(await this.#isUsable(token))) throw unusable();
      return token;
    },
  };

  /** All tokens, the oldest first. @throws MatrixError M_FORBIDDEN for who is no administrator, as all that follow */
  async list(requester: Requester): Promise<RegistrationToken[]> {
    checkAdmin(requester);
    return this.store.list();
  }

  /** @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async get(requester: Requester, token: string): Promise<RegistrationToken> {
    checkAdmin(requester);
    return found(await this.store.find(token));
  }

  /**
   * Makes a token, a random one when none is named.
   *
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM when there is such a token or can be none
   */
  async create(
    requester: Requester,
    token: string | undefined,
    limits: RegistrationTokenLimits,
  ): Promise<RegistrationToken> {
    checkAdmin(requester);
    const name = token ?? randomBytes(RANDOM_BYTES).toString('base64url');
    if (!TOKEN.test(name)) throw invalidParam('A token has 1 to 64 letters, digits and any of ._~-');
    if (!(await this.store.create(name, limits))) throw invalidParam('There is such a token already');
    return this.get(requester, name);
  }

  /** @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async update(requester: Requester, token: string, limits: RegistrationTokenLimits): Promise<RegistrationToken> {
    checkAdmin(requester);
    return found(await this.store.update(token, limits));
  }

  /** @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async remove(requester: Requester, token: string): Promise<void> {
    checkAdmin(requester);
    if (!(await this.store.remove(token))) throw unknown();
  }

  async #isUsable(token: string): Promise<boolean> {
    const known = TOKEN.test(token) ? await this.store.find(token) : undefined;
    if (known === undefined) return false;
    const { uses, usesAllowed = Infinity, expiresAtMs = Infinity } = known;
    return uses < usesAllowed && Date.now() < expiresAtMs;
  }
}

function unusable(): MatrixError {
  return new MatrixError(401, 'M_FORBIDDEN', 'The registration token is not known, used up or over');
}

function found(token: RegistrationToken | undefined): RegistrationToken {
  if (token === undefined) throw unknown();
  return token;
}

const unknown = () => notFound('There is no such registration token');
