import { partsOf } from '@ganglion/contracts';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { domainOf } from '@ganglion/protocol';
import type { EduIntake } from '../edus.js';
import type { Giver } from '../room-pdus.js';
import { presence } from './edu-contents.js';
import { MAX_EDUS_TOLD } from './told-together.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#presence */
export class PresenceEdus implements EduIntake {
  constructor(private readonly sync: RemoteEphemeral) {}

  async take({ origin }: Giver, contents: readonly unknown[]): Promise<void> {
    const told = contents.flatMap((content) => presence.safeParse(content).data ?? []);
    const theirs = told.filter(({ userId }) => domainOf(userId) === origin);
    for (const part of partsOf(theirs, MAX_EDUS_TOLD)) await this.sync.setPresence({ presence: part });
  }
}
