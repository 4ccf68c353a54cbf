import type { RoomIntake } from '@ganglion/contracts/room';
import { Passing } from './passing.js';

export interface ServersToAskDependencies {
  readonly intake: Pick<RoomIntake, 'listRoomServers'>;
  readonly isOurs: (serverName: string) => boolean;
  /** Which servers are asked at all. */
  readonly allows: (serverName: string) => boolean;
}

const MOST_SERVERS = 5;
/** A server that did not answer is not asked for with every page that somebody reads. */
const TRY_AGAIN_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/** Who is asked for the history of a room. */
export class ServersToAsk {
  readonly #silent = new Passing(TRY_AGAIN_MS, MOST_REMEMBERED);

  constructor(private readonly deps: ServersToAskDependencies) {}

  /** Those in a room, first the `near` ones of them, then those with most users; and which of our names is in it. */
  async of(roomId: string, near: readonly string[] = []) {
    const { isOurs, allows, intake } = this.deps;
    const { serverNames } = await intake.listRoomServers({ roomId });
    const inRoom = new Set(serverNames);
    const servers = [...new Set([...near.filter((name) => inRoom.has(name)), ...serverNames])]
      .filter((name) => !isOurs(name) && allows(name) && !this.#silent.has(`${name} ${roomId}`))
      .slice(0, MOST_SERVERS);
    return { servers, as: serverNames.find(isOurs) };
  }

  /** Leaves a server alone for a while, as far as a room goes. */
  leave(serverName: string, roomId: string): void {
    this.#silent.note(`${serverName} ${roomId}`);
  }
}
