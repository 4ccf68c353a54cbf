import type { JsonObject } from '@ganglion/protocol';
import type { KeysOfServer } from '../keys/known-keys.js';

/** What a server said of its keys, believed: signed by itself, and by the notary if it came through one. */
export interface KeyAnswer {
  readonly serverName: string;
  readonly keys: KeysOfServer;
  /** The object as it was signed by the server. */
  readonly answer: JsonObject;
  /** The notary that vouches for it; undefined when it came from the server itself. */
  readonly notary?: string | undefined;
}

/** What the store knows of a server. */
export interface StoredKeys {
  readonly keys: KeysOfServer;
  /** Milliseconds from now until the server may be asked again: when it failed, or has only just been asked. */
  readonly askAgainInMs: number;
}

/** The keys of other servers, the same for all replicas. */
export interface KeyStore {
  load(serverNames: readonly string[]): Promise<ReadonlyMap<string, StoredKeys>>;
  /** What a server itself says counts before what a notary says of it. */
  save(answers: readonly KeyAnswer[]): Promise<void>;
  /** Notes that servers could not be asked: each time they are left alone for longer. */
  noteFailures(serverNames: readonly string[]): Promise<void>;
  /** The answers as their servers signed them, as JSON text. */
  answers(serverNames: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Asks for keys. */
export interface KeySource {
  /** A server's own answer. @throws when there is none that can be believed */
  fromServer(serverName: string): Promise<KeyAnswer>;
  /** What a notary says of servers; those of which it says nothing that can be believed are left out. Never fails. */
  fromNotary(notary: string, wanted: ReadonlyMap<string, number>): Promise<KeyAnswer[]>;
}
