import { sql } from '@ganglion/database';

/** The columns of `sync.rooms` as the appender knows a room. */
export const APPEND_ROOM = sql`room_nid AS nid, room_id AS "roomId", room_version AS "roomVersion", room_seq AS seq,
  back_seq AS "backSeq", joined, invited, members_position AS "membersPosition",
  relations_position AS "relationsPosition", whole_from AS "wholeFrom"`;
