/** What makes a transaction of another server one and the same when it is sent again. */
export interface TransactionKey {
  readonly origin: string;
  readonly destination: string;
  readonly txnId: string;
}

/** Transactions that are worked on or were answered, by whichever replica. */
export interface TransactionStore {
  /** Takes it for `holder`, unless somebody has it or it was answered. */
  take(key: TransactionKey, holder: string): Promise<boolean>;
  /** The answer that was given; undefined while there is none. */
  answer(key: TransactionKey): Promise<string | undefined>;
  /** Goes on having it. */
  keep(key: TransactionKey, holder: string): Promise<void>;
  /** Keeps the answer for whoever asks again. */
  finish(key: TransactionKey, holder: string, answer: string): Promise<void>;
  /** Leaves it to whoever comes next. */
  giveUp(key: TransactionKey, holder: string): Promise<void>;
  /** Forgets those that nobody will ask for any more. */
  forgetOld(): Promise<void>;
}

/** What another server tells of the events of a room. All of it is hostile until it is verified. */
export interface RemoteEvents {
  /** The PDUs between what we have and what we were given, as many as the server likes. */
  missingEvents(asked: Asked, between: MissingBetween): Promise<readonly unknown[]>;
  /** These events and what came before them: PDUs, as many as the server likes. */
  backfill(asked: Asked, from: readonly string[], limit: number): Promise<readonly unknown[]>;
  /** The ids of the state before an event, and of what authorises it. */
  stateIds(asked: Asked, eventId: string): Promise<{ readonly state: string[]; readonly authChain: string[] }>;
  /** The state before an event, and what authorises it: PDUs. */
  state(asked: Asked, eventId: string): Promise<readonly unknown[]>;
  /** What authorises an event: PDUs. */
  eventAuth(asked: Asked, eventId: string): Promise<readonly unknown[]>;
  /** One PDU; undefined when the server does not give it. */
  event(asked: Asked, eventId: string): Promise<unknown>;
  /** The id of the event that the server says is the nearest to a time; undefined when it has none on that side. */
  nearestTo(asked: Asked, time: NearTime): Promise<string | undefined>;
}

/** One side of a moment. */
export interface NearTime {
  /** Milliseconds since the epoch. */
  readonly ts: number;
  /** Whether what was sent before it is meant, and not what was sent after it. */
  readonly backwards: boolean;
}

export interface Asked {
  /** The server that is asked. */
  readonly server: string;
  /** Which of our names asks. */
  readonly as: string;
  readonly roomId: string;
  /** Milliseconds since the epoch: nobody waits for the answer after that. */
  readonly deadline?: number;
}

/** Whether nobody waits any more. */
export function isOver({ deadline }: Asked): boolean {
  return deadline !== undefined && Date.now() >= deadline;
}

export interface MissingBetween {
  readonly earliest: readonly string[];
  readonly latest: readonly string[];
  readonly limit: number;
}
