export interface ProfileField {
  readonly name: string;
  /** JSON text. */
  readonly value: string;
  /** Whether the user's rooms are to hear of it. */
  readonly propagate: boolean;
}

export interface ProfileStore {
  /** Field names with their values as JSON text; undefined when there is no such user. */
  get(userId: string): Promise<ReadonlyMap<string, string> | undefined>;
  /** Sets a field unless the profile would grow beyond `maxBytes`; false then. */
  set(userId: string, field: ProfileField, maxBytes: number): Promise<boolean>;
  remove(userId: string, field: Omit<ProfileField, 'value'>): Promise<void>;
}

/** One change of a user's data, as it waits in the outbox until it was published. */
export interface UserChangeRecord {
  readonly outboxId: number;
  readonly userId: string;
  readonly userSeq: number;
  readonly roomId: string;
  readonly type: string;
  readonly content: string;
}

export interface AccountDataKey {
  readonly userId: string;
  /** Empty for global account data. */
  readonly roomId: string;
  readonly type: string;
}

/** Account data as it is stored. */
export interface StoredAccountData {
  /** JSON text. */
  readonly content: string;
  /** Of the change that brought it. */
  readonly userSeq: number;
}

export interface AccountDataStore {
  get(key: AccountDataKey): Promise<StoredAccountData | undefined>;
  /** Undefined when there is no such user. */
  set(key: AccountDataKey, content: string): Promise<UserChangeRecord | undefined>;
  /** As set, unless it has changed since a number; 0 stands for what there was not. */
  replace(key: AccountDataKey, content: string, expectedSeq: number): Promise<UserChangeRecord | 'changed' | undefined>;
}

export interface FilterStore {
  get(userId: string, filterId: string): Promise<string | undefined>;
  put(userId: string, filterId: string, definition: string): Promise<void>;
}
