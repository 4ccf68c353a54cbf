import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import type { Emails } from './emails.js';
import { badJson, forbidden } from './failures.js';
import type { Stage } from './user-interactive-auth.js';

export const EMAIL_IDENTITY = 'm.login.email.identity';

/** What the stage has shown. */
export interface ShownEmail {
  readonly sessionId: string;
  readonly address: string;
}

/**
 * Only who has followed the link in an e-mail, which must have been asked for the same purpose.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#email-based-identity--homeserver
 */
export function emailStage(emails: Emails): Stage {
  return {
    async attempt({ fields }, { emailFor, serverName }): Promise<ShownEmail> {
      if (emailFor === undefined) throw forbidden('This request is not authenticated by e-mail');
      const credentials = credentialsOf(fields);
      const { sessionId, address } = await emails.confirmed(credentials, emailFor, serverName, 401);
      return { sessionId, address };
    },
  };
}

/** Older clients spell it in another way. */
function credentialsOf({ threepid_creds, threepidCreds }: JsonObject) {
  const credentials = threepid_creds ?? threepidCreds;
  if (!isJsonObject(credentials)) throw badJson('auth.threepid_creds must be an object');
  const { sid: sessionId, client_secret: clientSecret } = credentials;
  if (typeof sessionId !== 'string' || sessionId.includes('\0')) {
    throw badJson('auth.threepid_creds.sid must be a string without NUL');
  }
  if (typeof clientSecret !== 'string') throw badJson('auth.threepid_creds.client_secret must be a string');
  return { sessionId, clientSecret };
}
