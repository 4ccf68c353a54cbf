import type { RemoteQueries } from '@ganglion/contracts/federation';
import { isJsonObject, type JsonObject, parseJson } from '@ganglion/protocol';
import type { ProfilesElsewhere } from '../domain/ports.js';

/** Asks other servers by way of federation-api. */
export class RemoteServersProfiles implements ProfilesElsewhere {
  constructor(private readonly queries: Pick<RemoteQueries, 'getProfile'>) {}

  async profile(userId: string): Promise<JsonObject> {
    const profile = parseJson((await this.queries.getProfile({ userId })).profileJson);
    return isJsonObject(profile) ? profile : {};
  }
}
