import type { DeviceMessageRow } from '../append-batch.js';

/** A device as user-server lists it: another one may have the same name later. */
export interface Recipient {
  readonly userId: string;
  readonly deviceId: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** An event for a device. */
export interface NewDeviceMessage extends Recipient {
  /** The event as its device gets it, as JSON text. */
  readonly json: string;
}

/** A message to devices of another server's users, or a part of one. */
export interface LeavingMessage {
  readonly serverName: string;
  /** Different for each. */
  readonly messageId: string;
  /** Contents by user and device, as JSON text. */
  readonly messages: string;
}

/** One that waits until the sender of federation-api has it. */
export interface WaitingMessage extends LeavingMessage {
  readonly messageNid: number;
  readonly sender: string;
  readonly eventType: string;
}

/** What a device sends to others in one request, which it may repeat. */
export interface DeviceMessages {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventType: string;
  readonly txnId: string;
  readonly messages: readonly NewDeviceMessage[];
  readonly leaving: readonly LeavingMessage[];
}

/** A message that the appender has not placed yet. */
export type UnplacedMessage = Omit<DeviceMessageRow, 'position'>;

/** Messages that were handed over to the appender together. */
export interface MessageList {
  readonly listId: number;
  readonly messages: readonly UnplacedMessage[];
}

/** Messages of a device's inbox, of which there may be more. */
export interface InboxPage {
  readonly messages: readonly { readonly position: number; readonly json: string }[];
  readonly hasMore: boolean;
}

export interface DeviceName {
  readonly userId: string;
  readonly deviceId: string;
}

/** What waits to leave for other servers. */
export interface LeavingMessageModel {
  /** The earliest of them, in their order; at most so many, and no more than is held in memory easily, but one at least. */
  leaving(limit: number): Promise<readonly WaitingMessage[]>;
  /** Forgets those that somebody else keeps. */
  forgetLeaving(messageNids: readonly number[]): Promise<void>;
}

/** Between which positions messages wait for a device. */
export interface InboxSpan {
  readonly deviceId: string;
  readonly first: number;
  readonly last: number;
}

/** What devices send to each other. */
export interface DeviceMessageModel {
  /**
   * Keeps messages and hands them over to the appender: once this resolves they will be delivered. What has been sent before
   * under the same transaction id is left out. No two of these may have the same one.
   */
  handOver(requests: readonly DeviceMessages[]): Promise<void>;
  /** What was handed over and not placed yet, the earliest first; at most so many lists. */
  handedOver(limit: number): Promise<MessageList[]>;
  /** Messages to a device above one position and up to another, as many as fit into an answer, and one at least. */
  inbox(device: DeviceName, above: number, upTo: number): Promise<InboxPage>;
  /** Forgets the messages to a device up to a position: it has them. */
  forgetInbox(device: DeviceName, upTo: number): Promise<void>;
  /** The devices of a user that messages wait for, with the positions of the first and the last. */
  inboxes(userId: string): Promise<InboxSpan[]>;
  /** Users for whose devices messages wait, in the order of their ids, after one of them. */
  usersWithMessages(afterUser: string, limit: number): Promise<string[]>;
  /** Forgets, of these users and up to a position, the messages to all devices but these. */
  forgetAllBut(living: readonly Recipient[], userIds: readonly string[], upTo: number): Promise<void>;
  /** Forgets transaction ids that nobody sends again. */
  forgetTransactions(olderThanMs: number): Promise<void>;
}
