import { domainOf } from '@ganglion/protocol';
import type { CreatedAccount } from '../domain/account-creation.js';
import type { IssuedTokens } from '../domain/session-tokens.js';
import type { StartedSession } from '../domain/sessions.js';

export function tokensAnswer({ accessToken, refreshToken, expiresInMs }: IssuedTokens): Record<string, unknown> {
  return {
    access_token: accessToken,
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(expiresInMs !== undefined && { expires_in_ms: expiresInMs }),
  };
}

function sessionAnswer(session: StartedSession): Record<string, unknown> {
  const { userId, deviceId } = session;
  return { user_id: userId, home_server: domainOf(userId), device_id: deviceId, ...tokensAnswer(session) };
}

/** The answer to a registration. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register */
export function accountAnswer({ userId, session }: CreatedAccount): Record<string, unknown> {
  return session ? sessionAnswer(session) : { user_id: userId, home_server: domainOf(userId) };
}

/** Answers log-ins, and says where the homeserver is reached when the configuration does. */
export class LoginAnswers {
  constructor(private readonly baseUrls: ReadonlyMap<string, string>) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login */
  answer(session: StartedSession): Record<string, unknown> {
    const baseUrl = this.baseUrls.get(domainOf(session.userId));
    const wellKnown = baseUrl !== undefined && { well_known: { 'm.homeserver': { base_url: baseUrl } } };
    return { ...sessionAnswer(session), ...wellKnown };
  }
}
