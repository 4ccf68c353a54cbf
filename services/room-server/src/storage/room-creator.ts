import { MatrixError } from '@ganglion/contracts';
import { type Database, isUniqueViolation } from '@ganglion/database';
import { type NewRoom, type RoomCreator, RoomExistsError } from '../domain/ports/rooms.js';
import { commitStatement } from './commit-statement.js';

const INSERT_ROOM = `
  INSERT INTO room_server.rooms (room_nid, room_id, room_version, version, published) VALUES ($1, $2, $3, 0, $4)`;

/** Inserts rooms: the empty room, its alias and its first commit in one transaction. */
export class PostgresRoomCreator implements RoomCreator {
  constructor(private readonly db: Database) {}

  async create({ commit, alias, published }: NewRoom): Promise<void> {
    const { roomNid, roomId, roomVersion } = commit;
    try {
      await this.db.transaction(async (tx) => {
        await tx.query({ name: 'insert-room', text: INSERT_ROOM, values: [roomNid, roomId, roomVersion, published] });
        if (alias !== undefined) {
          await tx.query({
            name: 'insert-alias',
            text: 'INSERT INTO room_server.aliases (alias, room_nid, creator) VALUES ($1, $2, $3)',
            values: [alias.name, roomNid, alias.creator],
          });
        }
        const { rowCount } = await tx.query(commitStatement([commit], []));
        if (rowCount !== 1) throw new Error(`the first events of room ${roomId} were not committed`);
      });
    } catch (error) {
      if (isUniqueViolation(error, 'aliases_pkey')) throw new MatrixError(400, 'M_ROOM_IN_USE', 'The alias is taken');
      if (isUniqueViolation(error, 'rooms_room_id_key')) throw new RoomExistsError(roomId);
      throw error;
    }
  }
}
