/** What a cross-signing key is for. @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
export type Usage = 'master' | 'self_signing' | 'user_signing';

export interface DeviceName {
  readonly userId: string;
  readonly deviceId: string;
}

/** An object that its owner has published, as it is kept. */
export interface PublishedObject {
  /** A JSON object as text, without `signatures` and `unsigned`. */
  readonly json: string;
  /** Those of the owner's own keys, by key id: everybody may see them. */
  readonly signatures: Readonly<Record<string, string>>;
}

/** A device's identity keys. */
export interface DeviceKeys extends PublishedObject {
  readonly deviceId: string;
  readonly displayName: string | undefined;
  /** When the device was logged in, in milliseconds since the epoch: another one may have the same id later. */
  readonly createdAtMs: number;
}

/** A device that has no identity keys, or none yet. */
export type KeylessDevice = Pick<DeviceKeys, 'deviceId' | 'displayName' | 'createdAtMs'>;

/** What is known of a user beside what they have published. */
export interface OtherDevices {
  /** Those without keys, by their ids. */
  readonly keyless: ReadonlyMap<string, KeylessDevice>;
  /** Whether nobody was ever told of a change of the user's. */
  readonly isNew: boolean;
}

export interface CrossSigningKey extends PublishedObject {
  readonly usage: Usage;
  readonly publicKey: string;
}

/** What one user has published. */
export interface UserKeys {
  readonly devices: ReadonlyMap<string, DeviceKeys>;
  readonly crossSigning: ReadonlyMap<Usage, CrossSigningKey>;
}

/** A user's signature of somebody else's master key: for their own eyes alone. */
export interface UserSignature {
  readonly signedUserId: string;
  readonly signedKey: string;
  readonly keyId: string;
  readonly signature: string;
}

/** A one-time or fallback key as it was uploaded. */
export interface UploadedKey {
  readonly algorithm: string;
  readonly keyId: string;
  /** The key itself: the same one may be signed anew. */
  readonly publicKey: string;
  /** JSON text. */
  readonly json: string;
}

export interface NewKeys {
  readonly deviceId: string;
  readonly oneTime: readonly UploadedKey[];
  readonly fallback: readonly UploadedKey[];
}

/** A device that nobody is logged in with: it gathers messages for the next one that is. */
export interface DehydratedDevice {
  readonly deviceId: string;
  /** What the next device needs to take over from it, as JSON text. */
  readonly deviceData: string;
}

/** What becomes of a user's keys. */
export interface KeyEdit {
  /** Of a user of another server, whose keys are kept there: they are others than before. */
  readonly isChangedElsewhere?: boolean;
  readonly devices?: readonly DeviceKeys[];
  /** Devices without keys that are new, or have another name. */
  readonly keyless?: readonly KeylessDevice[];
  /** As `keyless`, where nobody has to be told. */
  readonly quietKeyless?: readonly KeylessDevice[];
  /** Ended devices, with keys or without: their one-time and fallback keys go too. */
  readonly removedDevices?: readonly string[];
  readonly crossSigning?: readonly CrossSigningKey[];
  readonly removedUsages?: readonly Usage[];
  /** The user is there no more: their signatures and backups go. */
  readonly isGone?: boolean;
  readonly userSignatures?: readonly UserSignature[];
  readonly newKeys?: NewKeys;
  /** The user's dehydrated device from now on, whose keys are among these or were there before; the one before goes with its keys. */
  readonly dehydrated?: DehydratedDevice;
}

/** That something which others tell of a user has changed. */
export interface KeyChangeRecord {
  readonly userId: string;
  readonly seq: number;
  /** Whether it is something that others see. */
  readonly listChanged: boolean;
  /** Of whom the user sees something else than before, and nobody but the user: whom they have signed, themselves with a new user-signing key. */
  readonly signedUserIds: readonly string[];
  /** The dehydrated device whose place another one has taken, if that is what has changed: its keys are gone. */
  readonly replacedDehydrated?: string | undefined;
}

/** One key id twice, with different keys. */
export class KeyConflictError extends Error {
  override readonly name = 'KeyConflictError';
}

/** A device has more one-time keys than anybody needs. */
export class TooManyKeysError extends Error {
  override readonly name = 'TooManyKeysError';
}

/** What everybody may see of users, and what one of them alone may. */
export interface PublishedKeys {
  readonly users: ReadonlyMap<string, UserKeys>;
  /** The asking user's own signatures of master keys. */
  readonly userSignatures: readonly UserSignature[];
}

/** What is answered of keys, by the names of the answer's properties. */
export type Section = 'device_keys' | 'master_keys' | 'self_signing_keys' | 'user_signing_keys';

/** Properties of a JSON object each, by user, with commas between them and no braces around. */
export type SectionTexts = Readonly<Record<Section, string>>;

/** A user whose keys are asked for; of these devices alone, or of all when there are none. */
export interface AskedUser {
  readonly userId: string;
  readonly deviceIds: readonly string[];
}

export interface KeyStore {
  /** What users have published, as somebody may see it; of users without any keys that they have no devices. Each user at most once. */
  sections(asked: readonly AskedUser[], asking: string): Promise<SectionTexts>;
  /** Users without keys are left out. */
  published(userIds: readonly string[], asking: string): Promise<PublishedKeys>;
  /**
   * Changes the keys of one user, one change after the other. What `edit` throws changes nothing. Undefined when nobody has
   * to be told of it.
   *
   * @throws KeyConflictError, TooManyKeysError
   */
  edit(userId: string, edit: (keys: UserKeys) => KeyEdit): Promise<KeyChangeRecord | undefined>;
  /** As `edit`, where devices without keys matter. */
  editDevices(
    userId: string,
    edit: (keys: UserKeys, others: OtherDevices) => KeyEdit,
  ): Promise<KeyChangeRecord | undefined>;
  /** What is known of a user's devices, with keys and without. */
  devices(userId: string): Promise<{ readonly keys: UserKeys; readonly others: OtherDevices }>;
  /** A user's dehydrated device, if there is one. */
  dehydrated(userId: string): Promise<DehydratedDevice | undefined>;
}
