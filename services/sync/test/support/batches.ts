import type { AppendBatch } from '../../src/domain/append-batch.js';

/** A batch that brings nothing. */
export const NOTHING: Omit<AppendBatch, 'previousPosition' | 'position'> = {
  ...{
    rooms: [],
    events: [],
    backfilled: [],
    stateKeys: [],
    stateLog: [],
    jumps: [],
    redactions: [],
    purges: [],
    backfills: [],
    relations: [],
  },
  ...{
    memberships: [],
    accountData: [],
    receipts: [],
    typing: undefined,
    keyChanges: [],
    presence: [],
    deviceMessages: [],
    placedMessageLists: [],
    userSeqs: [],
  },
};
