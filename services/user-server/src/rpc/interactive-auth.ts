import type {
  AuthenticateRequest,
  AuthenticateResponse,
  InteractiveAuth as InteractiveAuthRpc,
} from '@ganglion/contracts/user';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import { UiaChallenge } from '../domain/uia-challenge.js';
import { PASSWORD_FLOWS } from '../domain/uia-stages.js';
import type { UserInteractiveAuth } from '../domain/user-interactive-auth.js';

/** User-interactive authentication for requests that other services carry out. */
export class InteractiveAuthService implements InteractiveAuthRpc {
  constructor(private readonly uia: UserInteractiveAuth) {}

  async authenticate({ bodyJson, ...request }: AuthenticateRequest): Promise<AuthenticateResponse> {
    const body = JSON.parse(bodyJson) as JsonObject;
    const interactive = { ...request, body, serverName: domainOf(request.userId) };
    try {
      await this.uia.perform(interactive, (attempt) => attempt.pass(PASSWORD_FLOWS));
      return { challengeJson: undefined };
    } catch (error) {
      if (error instanceof UiaChallenge) return { challengeJson: JSON.stringify(error) };
      throw error;
    }
  }
}
