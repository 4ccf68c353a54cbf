import type { CompiledPushRules } from '@ganglion/protocol';
import type { TimelineEvent } from '../timeline-event.js';

/** What the counts of unread notifications need to know of an event. */
export interface Notice {
  readonly position: number;
  readonly eventId: string;
  readonly eventNid: number;
  readonly sender: string;
  readonly isState: boolean;
  /** Or `main`. */
  readonly threadId: string;
  /** Whether it is a notification, and one that stands out. */
  readonly notifies: boolean;
  readonly highlights: boolean;
  /** For whom it is both, whatever it is for others. */
  readonly mentions: ReadonlySet<string> | undefined;
  /** What it is instead for who follows the thread; undefined where that makes no difference. */
  readonly followed: Told | undefined;
}

/** Whether an event is a notification, and one that stands out. */
export type Told = Pick<Notice, 'notifies' | 'highlights'>;

/** Whose notifications are counted. */
export interface NoticeReader {
  readonly userId: string;
  readonly rules: CompiledPushRules;
}

/** What push rules make of an event. */
export type Verdict = Pick<Notice, 'notifies' | 'highlights' | 'mentions' | 'followed'>;

const MESSAGES = new Set(['m.room.message', 'm.room.encrypted', 'm.sticker']);

/** Whether who sent it has thereby read what came before in its thread. */
export function isMessage({ text: { type, stateKey } }: TimelineEvent): boolean {
  return stateKey === undefined && MESSAGES.has(type);
}

export function isRedacted({ text }: TimelineEvent): boolean {
  return text.redactedByNid !== undefined;
}
