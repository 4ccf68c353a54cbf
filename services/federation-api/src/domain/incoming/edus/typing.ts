import { partsOf } from '@ganglion/contracts';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { domainOf } from '@ganglion/protocol';
import type { EduIntake } from '../edus.js';
import type { Giver } from '../room-pdus.js';
import { typing } from './edu-contents.js';
import { ofUsersIn } from './server-in-rooms.js';
import { MAX_EDUS_TOLD } from './told-together.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#typing-notifications */
export class TypingEdus implements EduIntake {
  constructor(
    private readonly rooms: RoomIntake,
    private readonly sync: RemoteEphemeral,
  ) {}

  async take({ origin }: Giver, contents: readonly unknown[]): Promise<void> {
    const told = contents.flatMap((content) => {
      const { data } = typing.safeParse(content);
      if (data === undefined || domainOf(data.user_id) !== origin) return [];
      return [{ roomId: data.room_id, userId: data.user_id, typing: data.typing }];
    });
    const allowed = await ofUsersIn(this.rooms, origin, told);
    for (const part of partsOf(allowed, MAX_EDUS_TOLD)) await this.sync.setTyping({ typing: part });
  }
}
