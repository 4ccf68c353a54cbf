import { type handleBidiStreamingCall, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { CallScope } from '../call-scope.js';
import type { Serve } from '../server-handler.js';
import { refusedStatus } from '../wire-errors.js';
import {
  type Answer,
  type Answers,
  answersOnWire,
  type Call,
  type Calls,
  callsOnWire,
  failureOf,
  fitsMessage,
  inBundles,
  PATH,
} from './wire.js';

type Stream = ServerDuplexStream<Calls, Answers>;

/** Serves calls that come in bundles, by the same functions that serve them one by one. */
export class BundleServer {
  readonly #methods = new Map<string, Serve>();
  readonly #open = new Set<BundleStream>();
  #isRefusing = false;

  readonly definition = {
    carry: {
      path: PATH,
      requestStream: true as const,
      responseStream: true as const,
      requestSerialize: callsOnWire.write,
      requestDeserialize: callsOnWire.read,
      responseSerialize: answersOnWire.write,
      responseDeserialize: answersOnWire.read,
    },
  };

  readonly implementation: { carry: handleBidiStreamingCall<Calls, Answers> } = {
    carry: (stream) => {
      const open = new BundleStream(stream, this.#methods, () => this.#isRefusing);
      this.#open.add(open);
      stream.once('close', () => this.#open.delete(open));
      if (this.#isRefusing) open.endWhenIdle();
    },
  };

  add(path: string, serve: Serve): void {
    this.#methods.set(path, serve);
  }

  /** Refuses new calls, and ends each stream once all that it has begun is answered. */
  drain(): void {
    this.#isRefusing = true;
    for (const stream of this.#open) stream.endWhenIdle();
  }
}

class BundleStream {
  readonly #running = new Map<number, AbortController | undefined>();
  #answers: Answer[] = [];
  #isScheduled = false;
  #hasEnded = false;

  constructor(
    private readonly stream: Stream,
    private readonly methods: ReadonlyMap<string, Serve>,
    private readonly isRefusing: () => boolean,
  ) {
    stream.on('data', ({ calls, cancelledIds }: Calls) => {
      for (const call of calls) void this.#serve(call);
      for (const id of cancelledIds) this.#running.get(id)?.abort();
    });
    stream.on('cancelled', () => this.#abort());
    stream.on('error', () => this.#abort());
    stream.on('end', () => {
      this.#isEnding = true;
      this.endWhenIdle();
    });
  }

  #isEnding = false;

  endWhenIdle(): void {
    if (this.#hasEnded || this.#running.size + this.#answers.length > 0) return;
    if (!this.#isEnding && !this.isRefusing()) return;
    this.#hasEnded = true;
    this.stream.end();
  }

  async #serve(call: Call): Promise<void> {
    // What comes after the end was not begun, and its caller knows that.
    if (this.#hasEnded) return;
    const { id, path, request, trace } = call;
    const serve = this.methods.get(path);
    if (this.isRefusing()) return this.#answer({ id, response: NOTHING, failure: failureOf(refusedStatus()) });
    if (serve === undefined) {
      const failure = failureOf({ code: status.UNIMPLEMENTED, details: `The server does not implement ${path}` });
      return this.#answer({ id, response: NOTHING, failure });
    }
    this.#running.set(id, undefined);
    const outcome = await serve(request, this.#scopeOf(call), trace);
    this.#running.delete(id);
    if ('response' in outcome && !fitsMessage(outcome.response.length)) {
      const details = `The answer to ${path} has ${outcome.response.length} bytes, which is too large`;
      this.#answer({ id, response: NOTHING, failure: failureOf({ code: status.RESOURCE_EXHAUSTED, details }) });
    } else if ('response' in outcome) this.#answer({ id, response: outcome.response, failure: undefined });
    else this.#answer({ id, response: NOTHING, failure: failureOf(outcome.failure) });
  }

  #scopeOf({ id, timeoutMs }: Call): CallScope {
    const running = this.#running;
    return {
      deadline: Date.now() + timeoutMs,
      get signal() {
        if (!running.has(id)) return AbortSignal.abort();
        const controller = running.get(id) ?? new AbortController();
        running.set(id, controller);
        return controller.signal;
      },
    };
  }

  #answer(answer: Answer): void {
    this.#answers.push(answer);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const answers = this.#answers;
      this.#answers = [];
      for (const some of inBundles(answers, ({ response }) => response.length)) {
        if (!this.stream.destroyed) this.stream.write({ answers: [...some] });
      }
      this.endWhenIdle();
    });
  }

  /** Whoever asked has gone. */
  #abort(): void {
    this.#hasEnded = true;
    for (const controller of this.#running.values()) controller?.abort();
  }
}

const NOTHING = Buffer.alloc(0);
