import type { Queryable } from '@ganglion/database';
import type { StateRows } from '../domain/ports/state-rows.js';
import type { StateDelta, StateNode } from '../domain/state/state-node.js';

interface NodeRow extends Record<string, unknown> {
  state_nid: number;
  generation: number;
  previous_nid: number | null;
  skip_nid: number | null;
  has_runs: boolean;
  key_nids: number[];
  event_nids: number[];
}

type EntryRow = { key_nid: number; event_nid: number };

/** A look back in a line reads so many states at once. */
const LINE = `
  WITH RECURSIVE line AS (
    SELECT s.*, 1 AS steps FROM room_server.states s WHERE s.room_nid = $1 AND s.state_nid = $2
    UNION ALL
    SELECT s.*, line.steps + 1 FROM line
    JOIN room_server.states s ON s.room_nid = $1 AND s.state_nid = line.previous_nid WHERE line.steps < 32
  )
  SELECT state_nid, generation, previous_nid, skip_nid, has_runs, key_nids, event_nids FROM line ORDER BY steps`;

/** From a state back to the beginning of its line, by the longest strides. */
const STRIDES = `
  WITH RECURSIVE stride AS (
    SELECT s.*, 1 AS distance FROM room_server.states s WHERE s.room_nid = $1 AND s.state_nid = $2
    UNION ALL
    SELECT s.*, stride.distance + 1 FROM stride
    JOIN room_server.states s ON s.room_nid = $1 AND s.state_nid = stride.skip_nid
  )`;

const LOOK_UP = `${STRIDES}
  SELECT DISTINCT ON (k.key_nid) k.key_nid, found.event_nid
  FROM stride CROSS JOIN unnest($3::bigint[]) AS k(key_nid) CROSS JOIN LATERAL (
    SELECT stride.event_nids[array_position(stride.key_nids, k.key_nid)] AS event_nid WHERE NOT stride.has_runs
    UNION ALL
    SELECT run.event_nids[array_position(run.key_nids, k.key_nid)] FROM (
      SELECT r.key_nids, r.event_nids FROM room_server.state_runs r
      WHERE stride.has_runs AND r.room_nid = $1 AND r.state_nid = stride.state_nid AND r.first_key <= k.key_nid
      ORDER BY r.first_key DESC LIMIT 1) AS run
  ) AS found
  WHERE found.event_nid IS NOT NULL
  ORDER BY k.key_nid, stride.distance`;

const ENTRIES = `${STRIDES}, entries AS (
    SELECT distance, unnest(key_nids) AS key_nid, unnest(event_nids) AS event_nid FROM stride WHERE NOT has_runs
    UNION ALL
    SELECT distance, unnest(r.key_nids), unnest(r.event_nids)
    FROM stride JOIN room_server.state_runs r ON r.room_nid = $1 AND r.state_nid = stride.state_nid WHERE has_runs
  ), latest AS (
    SELECT DISTINCT ON (key_nid) key_nid, event_nid FROM entries ORDER BY key_nid, distance
  )
  SELECT key_nid, event_nid FROM latest WHERE event_nid <> 0`;

const RUN = `
  SELECT unnest(key_nids) AS key_nid, unnest(event_nids) AS event_nid FROM room_server.state_runs
  WHERE room_nid = $1 AND state_nid = $2`;

/** Reads states from PostgreSQL. */
export class PostgresStateRows implements StateRows {
  constructor(private readonly db: Queryable) {}

  async line(roomNid: number, stateNid: number): Promise<StateNode[]> {
    const { rows } = await this.db.query<NodeRow>({ name: 'state-line', text: LINE, values: [roomNid, stateNid] });
    return rows.map(stateNode);
  }

  async lookUp(roomNid: number, stateNid: number, keyNids: readonly number[]): Promise<Map<number, number>> {
    const values = [roomNid, stateNid, keyNids];
    const { rows } = await this.db.query<EntryRow>({ name: 'state-look-up', text: LOOK_UP, values });
    return new Map(rows.filter(({ event_nid }) => event_nid !== 0).map((row) => [row.key_nid, row.event_nid]));
  }

  async entries(roomNid: number, stateNid: number): Promise<Map<number, number>> {
    const { rows } = await this.db.query<EntryRow>({
      name: 'state-entries',
      text: ENTRIES,
      values: [roomNid, stateNid],
    });
    return new Map(rows.map((row) => [row.key_nid, row.event_nid]));
  }

  async run(roomNid: number, stateNid: number): Promise<StateDelta> {
    const { rows } = await this.db.query<EntryRow>({ name: 'state-run', text: RUN, values: [roomNid, stateNid] });
    return new Map(rows.map((row) => [row.key_nid, row.event_nid]));
  }
}

function stateNode(row: NodeRow): StateNode {
  const { state_nid: nid, generation, has_runs: hasRuns, key_nids: keys, event_nids: events } = row;
  const isLarge = hasRuns && keys.length === 0;
  return {
    nid,
    generation,
    previousNid: row.previous_nid ?? undefined,
    skipNid: row.skip_nid ?? undefined,
    hasRuns,
    delta: isLarge ? undefined : new Map(keys.map((key, index) => [key, events[index]!])),
  };
}
