import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import type { Credentials, UserReference } from './credentials.js';
import { EMAIL_IDENTITY, emailStage } from './email-stage.js';
import type { Emails } from './emails.js';
import { badJson, forbidden } from './failures.js';
import { PASSWORD_LOGIN } from './login.js';
import { REGISTRATION_TOKEN, TERMS } from './registration-flows.js';
import type { RegistrationTokens } from './registration-tokens.js';
import type { Terms } from './terms.js';
import type { Flow } from './uia-challenge.js';
import type { Stage } from './user-interactive-auth.js';

export const DUMMY = 'm.login.dummy';
/** Anybody may go on. @see https://spec.matrix.org/v1.19/client-server-api/#dummy-auth */
const DUMMY_STAGE: Stage = { attempt: async () => {} };

/** Only who knows the password. @see https://spec.matrix.org/v1.19/client-server-api/#password-based */
export const PASSWORD_FLOWS: readonly Flow[] = [[PASSWORD_LOGIN]];

/** Every way to show something, by its type; which are asked for is up to each request. */
export function uiaStages(
  credentials: Credentials,
  tokens: RegistrationTokens,
  terms: Terms,
  emails: Emails,
): Readonly<Record<string, Stage>> {
  return {
    [DUMMY]: DUMMY_STAGE,
    [PASSWORD_LOGIN]: { attempt: passwordStage(credentials) },
    [REGISTRATION_TOKEN]: tokens.stage,
    [TERMS]: terms.stage,
    [EMAIL_IDENTITY]: emailStage(emails),
  };
}

/**
 * The owner of the access token shows that they know the password: somebody else's does not count. Attempts count by device:
 * who has got hold of one locks the owner out on no other.
 */
function passwordStage(credentials: Credentials): Stage['attempt'] {
  return async ({ fields }, { userId, deviceId, serverName }) => {
    const { password } = fields;
    if (typeof password !== 'string') throw badJson('auth.password is required');
    const { candidates } = await credentials.named(userReferenceOf(fields), serverName);
    if (userId === undefined || !candidates.includes(userId)) {
      throw forbidden('The user who authenticates is not the one who makes the request');
    }
    const account = await credentials.check([userId], password, [['password_failed', `${userId} ${deviceId}`]]);
    if (account === undefined) throw new MatrixError(401, 'M_FORBIDDEN', 'Invalid password');
  };
}

function userReferenceOf({ identifier, user }: JsonObject): UserReference {
  if (identifier === undefined) return { user: stringOrAbsent(user, 'user') };
  if (!isJsonObject(identifier)) throw badJson('auth.identifier must be an object');
  const type = stringOrAbsent(identifier.type, 'identifier.type');
  if (type === undefined) throw badJson('auth.identifier.type is required');
  const { user: name, medium, address } = identifier;
  return {
    identifier: {
      type,
      user: stringOrAbsent(name, 'identifier.user'),
      medium: stringOrAbsent(medium, 'identifier.medium'),
      address: stringOrAbsent(address, 'identifier.address'),
    },
  };
}

function stringOrAbsent(value: unknown, name: string): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw badJson(`auth.${name} must be a string`);
  if (value?.includes('\0')) throw badJson(`auth.${name} must have no NUL`);
  return value;
}
