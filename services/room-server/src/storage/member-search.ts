import { type Database, nameRank } from '@ganglion/database';
import { PDU } from './public-rooms.js';
import { IS_OPEN } from './room-summary-rows.js';

/** Somebody of another server, as a room shows them. */
export interface FoundMember {
  readonly userId: string;
  readonly displayName: string | undefined;
  readonly avatarUrl: string | undefined;
  readonly rank: number;
}

export interface MemberSearch {
  readonly userId: string;
  readonly text: string;
  readonly limit: number;
  readonly localServerNames: readonly string[];
}

/** So many members are looked at for what they are called; ids stand in an index, which holds far more. */
const MOST_NAMES = 20_000;
const MOST_IDS = 200_000;
const MOST_READ = 1_000;
const MOST_OPEN_ROOMS = 500;
const MOST_NEIGHBOURS = 5_000;

const OWN = `
    SELECT s.room_nid FROM room_server.state_entries s JOIN room_server.rooms r USING (room_nid)
    WHERE s.type = 'm.room.member' AND s.state_key = $1 AND s.membership = 'join' AND r.participating AND NOT r.blocked`;

/** The smallest rooms first, with how many are in them and those before them: a room of everybody hides nobody in the others. */
const bySize = (rooms: string, whose: string) => `
    SELECT room_nid, sum(joined) OVER (ORDER BY joined, room_nid) AS members
    FROM (${rooms}) AS rooms CROSS JOIN LATERAL (
      SELECT coalesce(sum(h.joined), 0) AS joined FROM room_server.room_hosts h
      WHERE h.room_nid = rooms.room_nid AND ${whose}) AS hosts
    WHERE joined > 0`;

const SERVER = `substring(m.state_key FROM position(':' IN m.state_key) + 1)`;

const members = (which: string) => `
    FROM sized JOIN room_server.state_entries m ON m.room_nid = sized.room_nid AND m.type = 'm.room.member'
    WHERE ${which} AND m.membership = 'join' AND NOT (${SERVER} = ANY($3))`;

/**
 * What is looked for stands in the text of an event as JSON writes it: few events have to be read as JSON. Of a letter that nearly
 * all have, names that begin with it, and ids that have it near their beginning, are read before the others.
 */
const OTHERS = `
  WITH sized AS (${bySize(
    `${OWN}
    UNION
    (SELECT theirs.room_nid FROM room_server.rooms theirs
    WHERE theirs.published AND theirs.participating AND NOT theirs.blocked AND ${IS_OPEN} LIMIT ${MOST_OPEN_ROOMS})`,
    'NOT (h.server_name = ANY($3))',
  )}
  ), near AS (
    SELECT DISTINCT ON (m.state_key) m.room_nid, m.event_nid ${members(`sized.members <= ${MOST_NAMES}`)}
    ORDER BY m.state_key, m.event_nid DESC
  ), far AS (
    SELECT m.room_nid, m.event_nid ${members(`sized.members > ${MOST_NAMES} AND sized.members <= ${MOST_IDS}`)}
      AND strpos(lower(m.state_key), lower($2)) > 0
    ORDER BY strpos(lower(m.state_key), lower($2)), m.state_key LIMIT ${MOST_READ}
  ), named AS (
    SELECT e.* FROM near JOIN room_server.events e USING (room_nid, event_nid) WHERE strpos(lower(e.pdu), lower($5)) > 0
    ORDER BY strpos(lower(e.pdu), '"displayname":"' || lower($5)) = 0, e.state_key LIMIT ${MOST_READ}
  ), people AS (
    SELECT DISTINCT ON (e.state_key) e.state_key AS user_id, lower(e.state_key) AS lower_id, lower($2) AS wanted,
      CASE WHEN jsonb_typeof(content -> 'displayname') = 'string' THEN content ->> 'displayname' END AS name,
      CASE WHEN jsonb_typeof(content -> 'avatar_url') = 'string' THEN content ->> 'avatar_url' END AS avatar
    FROM (
      SELECT * FROM named UNION ALL SELECT e.* FROM far JOIN room_server.events e USING (room_nid, event_nid)) AS e
    CROSS JOIN LATERAL (SELECT CASE WHEN e.redacted_by_nid IS NULL THEN ${PDU} -> 'content' ELSE '{}' END AS content) AS shown
    ORDER BY e.state_key, e.event_nid DESC
  )
  SELECT user_id AS "userId", name AS "displayName", avatar AS "avatarUrl",
    ${nameRank('wanted', "lower(coalesce(name, ''))", 'lower_id')} AS rank
  FROM people WHERE strpos(lower_id, wanted) > 0 OR strpos(lower(coalesce(name, '')), wanted) > 0
  ORDER BY rank, name IS NULL, user_id LIMIT $4`;

const NEIGHBOURS = `
  WITH sized AS (${bySize(OWN, 'h.server_name = ANY($2)')})
  SELECT DISTINCT m.state_key AS "userId"
  FROM sized JOIN room_server.state_entries m ON m.room_nid = sized.room_nid AND m.type = 'm.room.member'
  WHERE sized.members <= ${MOST_NEIGHBOURS} AND m.membership = 'join' AND m.state_key <> $1 AND ${SERVER} = ANY($2)`;

/** Looks for people by the rooms that somebody may see them in. */
export class MemberSearchRows {
  constructor(private readonly db: Database) {}

  /** Users of other servers whose id or name holds a text, in whatever case; the best matches first. */
  async others({ userId, text, limit, localServerNames }: MemberSearch): Promise<FoundMember[]> {
    type Row = { userId: string; displayName: string | null; avatarUrl: string | null; rank: number };
    const values = [userId, text, localServerNames, limit, JSON.stringify(text).slice(1, -1)];
    const { rows } = await this.db.query<Row>({ name: 'search-members', text: OTHERS, values });
    return rows.map(({ displayName, avatarUrl, ...row }) => ({
      ...{ ...row, displayName: displayName ?? undefined, avatarUrl: avatarUrl ?? undefined },
    }));
  }

  /** Users of ours in the rooms of one, who is not among them. */
  async neighbours({ userId, localServerNames }: MemberSearch): Promise<string[]> {
    const values = [userId, localServerNames];
    const { rows } = await this.db.query<{ userId: string }>({ name: 'neighbours', text: NEIGHBOURS, values });
    return rows.map((row) => row.userId);
  }
}
