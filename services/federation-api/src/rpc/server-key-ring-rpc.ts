import type { GetServerKeysRequest, GetServerKeysResponse, ServerKeyRing } from '@ganglion/contracts/federation';
import type { KeyRing } from '../domain/keys/key-ring.js';

/** The key ring, for other services. */
export class ServerKeyRingRpc implements ServerKeyRing {
  constructor(private readonly ring: KeyRing) {}

  async getServerKeys({ wanted }: GetServerKeysRequest): Promise<GetServerKeysResponse> {
    const known = await this.ring.keys(wanted);
    const servers = [...known].map(([serverName, keys]) => ({
      serverName,
      keys: [...keys].map(([keyId, { publicKey, ...validity }]) => ({
        ...{ keyId, publicKey: Buffer.from(publicKey) },
        ...validity,
      })),
    }));
    return { servers };
  }
}
