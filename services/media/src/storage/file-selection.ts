import type { FileSelection } from '../domain/ports/moderation-store.js';

/**
 * Which files `f`, with their bytes `b`, are meant. One text for every selection, so that its statements can be prepared: what
 * is not asked for is null.
 */
const TEXT = `(
  ($1::text[] IS NULL OR (f.server_name, f.media_id) IN (SELECT * FROM unnest($1::text[], $2::text[])))
  AND ($3::text IS NULL OR f.user_id = $3)
  AND ($4::text[] IS NULL OR (f.server_name = ANY ($4)) <> $5)
  AND ($6::float8 IS NULL OR f.last_access_at < to_timestamp($6 / 1000))
  AND ($7::bigint IS NULL OR b.bytes > $7)
  AND NOT ($8::boolean AND f.protected)
)`;

export const selected = {
  toString: () => TEXT,
  /** How many parameters it has; further ones come after them. */
  count: 8,
  values: (selection: FileSelection): unknown[] => [
    selection.names?.map(({ serverName }) => serverName) ?? null,
    selection.names?.map(({ mediaId }) => mediaId) ?? null,
    selection.userId ?? null,
    selection.servers?.names ?? null,
    selection.servers?.not ?? false,
    selection.unusedSinceMs ?? null,
    selection.largerThan ?? null,
    selection.notProtected ?? false,
  ],
};
