import { partsOf } from '@ganglion/contracts';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { domainOf } from '@ganglion/protocol';
import type { EduIntake } from '../edus.js';
import type { Giver } from '../room-pdus.js';
import { receipts } from './edu-contents.js';
import { ofUsersIn } from './server-in-rooms.js';
import { MAX_EDUS_TOLD } from './told-together.js';

/** More of one transaction are left out: nobody has read so much since the last one. */
const MOST_RECEIPTS = 10_000;

/** @see https://spec.matrix.org/v1.19/server-server-api/#receipts */
export class ReceiptEdus implements EduIntake {
  constructor(
    private readonly rooms: RoomIntake,
    private readonly sync: RemoteEphemeral,
  ) {}

  async take({ origin }: Giver, contents: readonly unknown[]): Promise<void> {
    const told = contents
      .flatMap((content) => receipts.safeParse(content).data ?? [])
      .filter(({ userId }) => domainOf(userId) === origin)
      .slice(0, MOST_RECEIPTS);
    const allowed = await ofUsersIn(this.rooms, origin, told);
    for (const part of partsOf(allowed, MAX_EDUS_TOLD)) await this.sync.putReceipts({ receipts: part });
  }
}
