import type { TypingNote } from '../append/typing-rooms.js';
import type { PresenceNote, RemotePresence } from '../presence/presence.js';
import type { TypingLists } from '../typing-lists.js';

/** What a replica tells the appender of how reachable people are. */
export interface PresenceCall {
  readonly notes: readonly PresenceNote[];
  readonly remote: readonly RemotePresence[];
}

/** What a replica tells the appender of typing and presence, or asks it. */
export interface TypingCall {
  /** Who wants to be answered, and what they call this. */
  readonly replica: string;
  readonly call: number;
  readonly notes: readonly TypingNote[];
  /** Whether all lists are wanted in answer. */
  readonly wantsLists: boolean;
  readonly presence?: PresenceCall;
}

/** That the appender has taken it. */
export interface TypingReply {
  readonly call: number;
  /** What was told is appended up to here. */
  readonly position: number;
  readonly lists?: TypingLists | undefined;
}

/** The way to the appender, on which things get lost. */
export interface TypingWire {
  readonly connected: boolean;
  send(call: Omit<TypingCall, 'replica'>): void;
}

const AGAIN_EVERY_MS = 500;
const LONGEST_WAIT_MS = 2_000;

/** Talks to the appender, wherever it is: what is not answered soon is said again, as it can do no harm to hear it twice. */
export class TypingCalls {
  #count = 0;
  readonly #open = new Map<number, (reply: TypingReply) => void>();

  constructor(private readonly wire: TypingWire) {}

  /** Undefined when nobody has answered within two seconds, or can. */
  async ask(
    notes: readonly TypingNote[],
    wantsLists = false,
    presence?: PresenceCall,
  ): Promise<TypingReply | undefined> {
    if (!this.wire.connected) return undefined;
    const { promise, resolve } = Promise.withResolvers<TypingReply | undefined>();
    const call = ++this.#count;
    const send = () => this.wire.send({ call, notes, wantsLists, ...(presence && { presence }) });
    const again = setInterval(send, AGAIN_EVERY_MS).unref();
    const late = setTimeout(resolve, LONGEST_WAIT_MS, undefined).unref();
    this.#open.set(call, resolve);
    send();
    const reply = await promise;
    this.#open.delete(call);
    clearInterval(again);
    clearTimeout(late);
    return reply;
  }

  answered(reply: TypingReply): void {
    this.#open.get(reply.call)?.(reply);
  }
}
