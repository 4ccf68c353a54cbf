import type { LoadedRoom, ReadModel } from '../ports/read-model.js';

/** Rooms that are loaded together, and how many such loads go on at once: nobody may take all connections. */
const TOGETHER = 50;
const AT_ONCE = 4;

interface Wanted {
  readonly roomNid: number;
  readonly loaded: (room: LoadedRoom) => void;
  readonly failed: (error: unknown) => void;
}

/** Loads rooms several at a time: who asks for hundreds in one turn costs a few statements. */
export class RoomLoads {
  #waiting: Wanted[] = [];
  #running = 0;
  #isScheduled = false;

  constructor(
    private readonly model: Pick<ReadModel, 'loadRooms'>,
    private readonly maxRecent: number,
  ) {}

  /** @throws Error when there is no such room, or what the database failed with */
  load(roomNid: number): Promise<LoadedRoom> {
    return new Promise((loaded, failed) => {
      this.#waiting.push({ roomNid, loaded, failed });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.#begin();
      });
    });
  }

  #begin(): void {
    while (this.#waiting.length > 0 && this.#running < AT_ONCE) {
      this.#running += 1;
      void this.#run(this.#waiting.splice(0, TOGETHER)).finally(() => {
        this.#running -= 1;
        this.#begin();
      });
    }
  }

  async #run(wanted: readonly Wanted[]): Promise<void> {
    try {
      const rooms = await this.model.loadRooms(
        wanted.map(({ roomNid }) => roomNid),
        this.maxRecent,
      );
      const byNid = new Map(rooms.map((room) => [room.roomNid, room]));
      for (const { roomNid, loaded, failed } of wanted) {
        const room = byNid.get(roomNid);
        if (room === undefined) failed(new Error(`room ${roomNid} is not in the read model`));
        else loaded(room);
      }
    } catch (error) {
      for (const { failed } of wanted) failed(error);
    }
  }
}
