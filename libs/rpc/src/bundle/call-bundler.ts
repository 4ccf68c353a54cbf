import { type Channel, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { answersOnWire, type Call, callsOnWire, inBundles, PATH, statusOf } from './wire.js';

/** What came of a call; nothing when the other side knows no bundles. */
export type BundledOutcome = { readonly response: Buffer } | { readonly failed: StatusObject } | undefined;

interface Pending {
  readonly deadline: number;
  readonly resolve: (outcome: BundledOutcome) => void;
}

const SWEEP_EVERY_MS = 50;

type Stream = ReturnType<Channel['createCall']>;

/** Carries the calls of one turn of the event loop to one replica in one message. */
export class CallBundler {
  readonly #channel: Channel;
  #stream: Stream | undefined;
  /** Whether the stream has taken its first message. */
  #isOpen = false;
  #pending = new Map<number, Pending>();
  #calls: Call[] = [];
  #cancelled: number[] = [];
  #isScheduled = false;
  #isClosed = false;
  #lastId = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Whether the other side is of a release that knows bundles, as far as is known of this connection. */
  isUnderstood = true;

  send(
    call: Omit<Call, 'id' | 'timeoutMs'>,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<BundledOutcome> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const cancel = () => this.#giveUp(id, status.CANCELLED, 'the caller gave up');
      const settle = (outcome: BundledOutcome) => {
        signal?.removeEventListener('abort', cancel);
        resolve(outcome);
      };
      this.#pending.set(id, { deadline, resolve: settle });
      signal?.addEventListener('abort', cancel, { once: true });
      this.#calls.push({ ...call, id, timeoutMs: Math.max(1, deadline - Date.now()) });
      this.#schedule();
    });
  }

  /** No call comes any more; those that are under way finish. */
  close(): void {
    this.#isClosed = true;
    this.#endWhenIdle();
  }

  #schedule(): void {
    this.#sweep ??= setInterval(() => this.#giveUpLate(), SWEEP_EVERY_MS).unref();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    // A stream keeps one message until it is connected, and forgets those before: what comes meanwhile waits here.
    if (this.#stream !== undefined && !this.#isOpen) return;
    try {
      if (this.#stream === undefined) this.#begin();
      else this.#sendOn(this.#stream);
    } catch (error) {
      this.#failAll(unconnected((error as Error).message));
    }
  }

  #begin(): void {
    // What was given up was given up with the stream before.
    this.#cancelled = [];
    if (this.#calls.length === 0) return;
    const [calls = []] = inBundles(this.#calls, sizeOf);
    this.#calls = this.#calls.slice(calls.length);
    const stream = this.#open();
    this.#stream = stream;
    const opened = () => {
      if (this.#stream !== stream) return;
      this.#isOpen = true;
      this.#sendOn(stream);
    };
    // It is called where writing has failed, too, before that is told.
    const callback = () => setImmediate(opened);
    stream.sendMessageWithContext({ callback }, callsOnWire.write({ calls: [...calls], cancelledIds: [] }));
  }

  #sendOn(stream: Stream): void {
    const [all, cancelled] = [this.#calls, this.#cancelled];
    [this.#calls, this.#cancelled] = [[], []];
    if (all.length + cancelled.length === 0) return;
    for (const calls of inBundles(all, sizeOf)) {
      // The list of what is given up goes with the last of them.
      const cancelledIds = calls.at(-1) === all.at(-1) ? cancelled : [];
      stream.sendMessageWithContext({}, callsOnWire.write({ calls: [...calls], cancelledIds }));
    }
  }

  /** @throws Error when the channel is closed */
  #open(): Stream {
    const stream = this.#channel.createCall(PATH, Number.POSITIVE_INFINITY, null, null, null);
    stream.start(new Metadata(), {
      onReceiveMetadata: () => {},
      onReceiveMessage: (bytes: Buffer) => {
        this.#receive(bytes);
        stream.startRead();
      },
      onReceiveStatus: (result) => this.#ended(stream, result),
    });
    stream.startRead();
    return stream;
  }

  #receive(bytes: Buffer): void {
    for (const { id, response, failure } of answersOnWire.read(bytes).answers) {
      const settled = failure === undefined ? { response } : { failed: statusOf(failure) };
      this.#settle(id, settled);
    }
    this.#endWhenIdle();
  }

  #ended(stream: Stream, { code, details, metadata }: StatusObject): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#isOpen = false;
    if (code !== status.UNIMPLEMENTED) {
      for (const { id } of this.#calls.splice(0)) this.#settle(id, { failed: unconnected(details) });
    }
    if (code === status.UNIMPLEMENTED) {
      this.isUnderstood = false;
      this.#settleAll(undefined);
    } else if (code === status.OK) {
      // The other side is going away, and has begun none of these.
      this.#failAll({ code: status.UNAVAILABLE, details: 'Stream refused by server', metadata: new Metadata() });
    } else this.#failAll({ code, details, metadata });
  }

  #giveUp(id: number, code: status, details: string): void {
    if (!this.#pending.has(id)) return;
    const waiting = this.#calls.findIndex((call) => call.id === id);
    if (waiting >= 0) this.#calls.splice(waiting, 1);
    else {
      this.#cancelled.push(id);
      this.#schedule();
    }
    this.#settle(id, { failed: { code, details, metadata: new Metadata() } });
  }

  #giveUpLate(): void {
    const now = Date.now();
    for (const [id, { deadline }] of this.#pending) {
      if (deadline <= now) this.#giveUp(id, status.DEADLINE_EXCEEDED, 'Deadline exceeded');
    }
    this.#endWhenIdle();
  }

  #settle(id: number, outcome: BundledOutcome): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.resolve(outcome);
  }

  #failAll(failed: StatusObject): void {
    this.#settleAll({ failed });
  }

  #settleAll(outcome: BundledOutcome): void {
    const settled = this.#pending;
    this.#pending = new Map();
    this.#calls = [];
    for (const { resolve } of settled.values()) resolve(outcome);
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.#pending.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    if (this.#isClosed) this.#stream?.halfClose();
  }
}

const sizeOf = ({ request }: Call) => request.length;

/** Of calls that were not sent. */
function unconnected(why: string): StatusObject {
  return { code: status.UNAVAILABLE, details: `No connection established: ${why}`, metadata: new Metadata() };
}
