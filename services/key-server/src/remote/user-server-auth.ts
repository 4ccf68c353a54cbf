import type { InteractiveAuth as InteractiveAuthRpc } from '@ganglion/contracts/user';
import type { JsonObject } from '@ganglion/protocol';
import type { Challenge, InteractiveAuth, InteractiveRequest } from '../domain/ports.js';

/** User-interactive authentication as user-server does it. */
export class UserServerAuth implements InteractiveAuth {
  constructor(private readonly userServer: InteractiveAuthRpc) {}

  async authenticate({ body, ...request }: InteractiveRequest): Promise<Challenge | undefined> {
    const { challengeJson } = await this.userServer.authenticate({ ...request, bodyJson: JSON.stringify(body) });
    return challengeJson === undefined ? undefined : { challenge: JSON.parse(challengeJson) as JsonObject };
  }
}
