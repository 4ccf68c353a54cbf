import { MatrixError } from '@ganglion/contracts';
import type { RemoteServers } from '../domain/ports.js';

/** Nobody else can be asked: every other server is told of as one that does not answer. */
export class NoRemoteServers implements RemoteServers {
  async queryKeys(serverName: string): Promise<never> {
    throw unreachable(serverName);
  }

  async claimKeys(serverName: string): Promise<never> {
    throw unreachable(serverName);
  }
}

function unreachable(serverName: string): MatrixError {
  return new MatrixError(503, 'M_UNKNOWN', `${serverName} cannot be asked: this server does not federate`);
}
