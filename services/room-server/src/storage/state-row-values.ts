import { LARGE_DELTA, type NewState, type StateDelta } from '../domain/state/state-node.js';

export const STATE_COLUMNS = {
  room_nid: 'bigint',
  state_nid: 'bigint',
  generation: 'integer',
  previous_nid: 'bigint',
  skip_nid: 'bigint',
  has_runs: 'boolean',
  key_nids: 'bigint[]',
  event_nids: 'bigint[]',
} as const;

export const RUN_COLUMNS = {
  room_nid: 'bigint',
  state_nid: 'bigint',
  first_key: 'bigint',
  key_nids: 'bigint[]',
  event_nids: 'bigint[]',
} as const;

/** So many keys are read to find one of them. */
const RUN_LENGTH = 256;

/** The row of a state. A large delta is left to its runs. */
export function stateRow(roomNid: number, state: NewState) {
  const { nid, generation, previousNid, skipNid, hasRuns, delta } = state;
  const own = delta.size > LARGE_DELTA ? new Map<number, number>() : delta;
  return {
    ...{
      room_nid: roomNid,
      state_nid: nid,
      generation,
      previous_nid: previousNid,
      skip_nid: skipNid,
      has_runs: hasRuns,
    },
    ...{ key_nids: [...own.keys()], event_nids: [...own.values()] },
  };
}

/** All that changed in a state since the one that it skips to, in runs of ascending keys. */
export function stateRuns(roomNid: number, { nid, run }: NewState) {
  if (run === undefined) return [];
  const entries = sorted(run);
  const rows = [];
  for (let first = 0; first < entries.length; first += RUN_LENGTH) {
    const part = entries.slice(first, first + RUN_LENGTH);
    rows.push({
      ...{ room_nid: roomNid, state_nid: nid, first_key: part[0]![0] },
      ...{ key_nids: part.map(([keyNid]) => keyNid), event_nids: part.map(([, eventNid]) => eventNid) },
    });
  }
  return rows;
}

function sorted(delta: StateDelta): (readonly [number, number])[] {
  return [...delta].sort(([one], [other]) => one - other);
}
