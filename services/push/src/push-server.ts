import type { AccountData, Devices } from '@ganglion/contracts/user';
import type { Database } from '@ganglion/database';
import type { PushRuleOptions } from '@ganglion/protocol';
import { PushRules } from './domain/push-rules.js';
import { Pushers } from './domain/pushers.js';
import { PostgresPusherStore } from './storage/pusher-store.js';

export interface PushServerDependencies {
  readonly db: Database;
  readonly accountData: AccountData;
  readonly devices: Devices;
  /** Which push rules there are. */
  readonly rules: PushRuleOptions;
}

/** What a user is told of, and where. */
export interface PushServer {
  readonly rules: PushRules;
  readonly pushers: Pushers;
}

/** Puts one push server together. Any number may run on one database. */
export function createPushServer({ db, accountData, devices, rules }: PushServerDependencies): PushServer {
  return { rules: new PushRules(accountData, rules), pushers: new Pushers(new PostgresPusherStore(db), devices) };
}
