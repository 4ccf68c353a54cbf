import { type Queryable, rowsOf, sql, statement } from '@ganglion/database';
import type { Outlier } from '../domain/intake/store-outliers.js';
import type { OutlierRows } from '../domain/ports/outlier-rows.js';
import type { NumberSource, StateKey } from '../domain/ports/rooms.js';
import { EVENT_COLUMNS, eventRow } from './event-rows.js';

interface Keys {
  readonly keys: readonly (StateKey & { readonly roomNid: number; readonly keyNid: number })[];
}

const keyRows = rowsOf(
  'k',
  { room_nid: 'bigint', key_nid: 'bigint', type: 'text', state_key: 'text' },
  ({ keys }: Keys) =>
    keys.map(({ roomNid, keyNid, type, stateKey }) => ({
      ...{ room_nid: roomNid, key_nid: keyNid, type, state_key: stateKey },
    })),
);

/** In one order, so that two who make the same keys do not wait for each other in a circle. */
const MAKE_KEYS = statement<Keys>(
  'make-state-keys',
  sql<Keys>`
  INSERT INTO room_server.state_entries (room_nid, key_nid, type, state_key, changed_version)
  SELECT i.*, 0 FROM (${keyRows}) AS i ORDER BY type, state_key
  ON CONFLICT (room_nid, type, state_key) DO NOTHING`,
);

const FIND_KEYS = statement<Keys>(
  'find-state-keys',
  sql<Keys>`
  SELECT e.type, e.state_key, e.key_nid FROM (${keyRows}) AS i JOIN room_server.state_entries e
    ON e.room_nid = i.room_nid AND e.type = i.type AND e.state_key = i.state_key`,
);

interface Kept {
  readonly roomNid: number;
  readonly outliers: readonly Outlier[];
}

const outlierRows = rowsOf('i', EVENT_COLUMNS, ({ roomNid, outliers }: Kept) =>
  outliers.map((outlier) => eventRow({ roomNid, events: [] }, asEvent(outlier))),
);

const edgeRows = rowsOf(
  'a',
  { room_nid: 'bigint', auth_nid: 'bigint', event_nid: 'bigint' },
  ({ roomNid, outliers }: Kept) =>
    outliers.flatMap(({ nid, authNids, keyNid, status }) =>
      keyNid === undefined || status === 'rejected'
        ? []
        : authNids.map((authNid) => ({ room_nid: roomNid, auth_nid: authNid, event_nid: nid })),
    ),
);

const KEEP = statement<Kept>(
  'keep-outliers',
  sql<Kept>`
  WITH input AS (${outlierRows}), kept AS (
    INSERT INTO room_server.events AS known (event_nid, room_nid, event_id, type, state_key, key_nid, membership, sender, depth,
      origin_server_ts, status, prev_nids, auth_nids, pdu)
    SELECT event_nid, room_nid, event_id, type, state_key, key_nid, membership, sender, depth, origin_server_ts, status,
      prev_nids, auth_nids, pdu
    FROM input ORDER BY event_id
    ON CONFLICT (event_id, room_nid) DO UPDATE SET status = excluded.status, auth_nids = excluded.auth_nids,
      key_nid = excluded.key_nid WHERE known.status = 4
    RETURNING event_nid
  )
  INSERT INTO room_server.auth_edges (room_nid, auth_nid, event_nid)
  SELECT e.room_nid, e.auth_nid, e.event_nid FROM (${edgeRows}) AS e JOIN kept USING (event_nid) ON CONFLICT DO NOTHING`,
);

/** Keeps outliers in PostgreSQL, in statements that lock no room. */
export class PostgresOutlierRows implements OutlierRows {
  constructor(
    private readonly db: Queryable,
    private readonly numbers: NumberSource,
  ) {}

  async keyNids(roomNid: number, keys: readonly StateKey[]): Promise<number[]> {
    const nameOf = ({ type, stateKey }: StateKey) => JSON.stringify([type, stateKey]);
    const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
    const numbered = [];
    for (const key of distinct) numbered.push({ ...key, roomNid, keyNid: await this.numbers.allocate() });
    await this.db.query(MAKE_KEYS({ keys: numbered }));
    type Row = { type: string; state_key: string; key_nid: number };
    const { rows } = await this.db.query<Row>(FIND_KEYS({ keys: numbered }));
    const found = new Map(rows.map((row) => [nameOf({ type: row.type, stateKey: row.state_key }), row.key_nid]));
    return keys.map((key) => found.get(nameOf(key))!);
  }

  async keep(roomNid: number, outliers: readonly Outlier[]): Promise<void> {
    if (outliers.length > 0) await this.db.query(KEEP({ roomNid, outliers }));
  }
}

function asEvent(outlier: Outlier): Parameters<typeof eventRow>[1] {
  return {
    ...outlier,
    ...{ isKnown: false, roomSeq: undefined, prevNids: [], stateBeforeNid: undefined, stateAfterNid: undefined },
    ...{ visibility: 'shared', previousVisibility: undefined, stateChanges: [], jump: undefined, localMemberships: [] },
    ...{
      missing: [],
      transaction: undefined,
      redactsEventId: undefined,
      redactedNid: undefined,
      redactedBy: undefined,
    },
    ...{ strippedState: undefined, tracePoint: undefined },
  };
}
