import type { RemoteQueries, RemoteRooms } from '@ganglion/contracts/federation';
import type {
  DelayedEvents,
  RoomBlocks,
  RoomDirectory,
  RoomIntake,
  RoomPurges,
  RoomReads,
  RoomSummaries,
  Rooms,
} from '@ganglion/contracts/room';
import type { RoomTraces } from '@ganglion/contracts/sync';
import type { AccountData, Users } from '@ganglion/contracts/user';
import type { JsonObject } from '@ganglion/protocol';

/** What somebody is known by outside Matrix. */
export interface Address {
  readonly medium: 'email' | 'msisdn';
  readonly address: string;
}

/** What a client has at an identity server. */
export interface IdentityAccount {
  readonly idServer: string;
  readonly idAccessToken: string;
}

/** An invite that waits at an identity server for whoever shows that an address is theirs. */
export interface StoredInvite {
  readonly token: string;
  /** What may be shown of the address. */
  readonly displayName: string;
  /** One of these signs for whoever comes with the token. */
  readonly publicKeys: readonly { readonly public_key: string; readonly key_validity_url: string }[];
}

/** Identity servers, which know whose address is whose. All of it throws what they refuse with, M_SERVER_NOT_TRUSTED, or M_UNKNOWN (502). */
export interface AddressBook {
  /** The user with an address; undefined when none is known. */
  lookUp(account: IdentityAccount, address: Address): Promise<string | undefined>;
  /** Has an address be written to, with some of these: what the specification calls the parameters of the invite. */
  storeInvite(account: IdentityAccount, address: Address, about: JsonObject): Promise<StoredInvite>;
}

/** The services that this one speaks for. */
export interface Owners {
  readonly rooms: Rooms;
  readonly delayedEvents: DelayedEvents;
  readonly roomReads: RoomReads;
  readonly roomDirectory: RoomDirectory;
  readonly roomSummaries: RoomSummaries;
  readonly roomPurges: RoomPurges;
  readonly roomBlocks: RoomBlocks;
  readonly roomTraces: RoomTraces;
  readonly users: Users;
  readonly accountData: Pick<AccountData, 'getAccountData'>;
  readonly roomIntake: Pick<RoomIntake, 'getStanding' | 'describeRooms'>;
  readonly remoteRooms: RemoteRooms;
  readonly remoteQueries: RemoteQueries;
  readonly addressBook: AddressBook;
  /** Whether it is the server itself that speaks as this user. */
  isServer(userId: string): boolean;
  /** Whether a server name is one of ours. */
  isOurs(serverName: string): boolean;
}
