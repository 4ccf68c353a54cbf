import type { AppendBatch, Redaction } from '../append-batch.js';
import type { TypingChanges } from '../typing-lists.js';

type IsIn = (row: { readonly position: number }) => boolean;

interface Row {
  readonly position: number;
  /** In characters, about. */
  readonly size: number;
}

const ROW_SIZE = 300;

/**
 * A batch in parts of about a size, in characters, for a bus that carries messages of a limited one. Each part follows on the
 * one before: up to its end, whoever has it has all there is.
 */
export function broadcastParts(whole: AppendBatch, maxSize: number): AppendBatch[] {
  // Nobody but the database needs to know of keys, and of what is only read from there.
  const batch = { ...whole, stateKeys: [], backfilled: [], relations: [], placedMessageLists: [] };
  const ends = [...endsOfParts(batch, maxSize), batch.position];
  return ends.map((end, index) => partOf(batch, ends[index - 1] ?? batch.previousPosition, end));
}

/** The positions at which parts end before the batch does. */
function endsOfParts(batch: AppendBatch, maxSize: number): number[] {
  const ends: number[] = [];
  let size = 0;
  let last = batch.previousPosition;
  for (const [position, rows] of Map.groupBy(rowsOf(batch), (row) => row.position)) {
    const added = rows.reduce((sum, row) => sum + row.size, 0);
    if (size > 0 && size + added > maxSize) {
      ends.push(last);
      size = 0;
    }
    size += added;
    last = position;
  }
  return ends;
}

function rowsOf(batch: AppendBatch): Row[] {
  const sized = (position: number, characters: number): Row => ({ position, size: characters + ROW_SIZE });
  return [
    ...batch.events.map(({ position, text }) => sized(position, text?.json.length ?? 0)),
    ...batch.stateLog.map(({ position }) => sized(position, 0)),
    ...batch.memberships.map(({ position, strippedState }) => sized(position, strippedState?.length ?? 0)),
    ...batch.accountData.map(({ position, content }) => sized(position, content.length)),
    ...batch.receipts.map(({ position }) => sized(position, 0)),
    ...batch.keyChanges.map(({ position, roomNids, signedUserIds }) =>
      sized(position, 20 * roomNids.length + ROW_SIZE * signedUserIds.length),
    ),
    ...batch.purges.map(({ position, eventNids = [] }) => sized(position, 20 * eventNids.length)),
    ...[...(batch.backfills ?? []), ...batch.deviceMessages].map(({ position }) => sized(position, 0)),
    ...batch.presence.map(({ position, statusMsg = '', roomNids }) =>
      sized(position, statusMsg.length + 20 * roomNids.length),
    ),
    ...(batch.typing?.rows ?? []).map(({ position, typing }) => sized(position, typing.length * ROW_SIZE)),
  ].sort((one, other) => one.position - other.position);
}

function partOf(batch: AppendBatch, above: number, end: number): AppendBatch {
  const isIn: IsIn = ({ position }) => position > above && position <= end;
  const events = batch.events.filter(isIn);
  const isLast = end === batch.position;
  return {
    ...batch,
    previousPosition: above,
    position: end,
    events,
    stateLog: batch.stateLog.filter(isIn),
    jumps: batch.jumps.filter(isIn),
    purges: batch.purges.filter(isIn),
    backfills: batch.backfills?.filter(isIn),
    redactions: batch.redactions.filter(isToldWith(events, isIn)),
    memberships: batch.memberships.filter(isIn),
    accountData: batch.accountData.filter(isIn),
    receipts: batch.receipts.filter(isIn),
    keyChanges: batch.keyChanges.filter(isIn),
    deviceMessages: batch.deviceMessages.filter(isIn),
    presence: batch.presence.filter(isIn),
    typing: batch.typing && typingOf(batch.typing, isIn),
    rooms: roomsOf(batch, above, end),
    userSeqs: isLast ? batch.userSeqs : [],
  };
}

function typingOf({ rows, endsAt }: TypingChanges, isIn: IsIn): TypingChanges {
  return { rows: rows.filter(isIn), endsAt: endsAt !== undefined && isIn({ position: endsAt }) ? endsAt : undefined };
}

/** What a redaction has taken away must not be seen together with it. */
function isToldWith(events: AppendBatch['events'], isIn: IsIn) {
  const redacted = new Set(events.map(({ redactsNid }) => redactsNid));
  return ({ eventNid, position }: Redaction) => (position === undefined ? redacted.has(eventNid) : isIn({ position }));
}

/** The rooms of a part; one that goes on in a later part has not come as far yet as the batch says. */
function roomsOf({ rooms, events, memberships, position }: AppendBatch, above: number, end: number) {
  const rows = [...events, ...memberships];
  const nidsOf = (from: number, to: number) =>
    new Set(rows.filter((row) => row.position > from && row.position <= to).map(({ roomNid }) => roomNid));
  const [own, later] = [nidsOf(above, end), nidsOf(end, position)];
  const wanted = end === position ? rooms : rooms.filter(({ nid }) => own.has(nid));
  return wanted.map((room) => (later.has(room.nid) ? { ...room, seq: 0 } : room));
}
