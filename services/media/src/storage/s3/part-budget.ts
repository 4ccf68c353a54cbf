/** A source that waits for its turn before each part. */
interface BudgetedSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** A part is on the other side. */
  sent(): void;
  /** What the source failed with. */
  fault(): unknown;
  /** However it ended; nothing more is read. */
  release(): void;
}

/** How many parts of uploads are in memory at once, over all uploads. */
export class PartBudget {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(
    private readonly partBytes: number,
    parts: number,
  ) {
    this.#free = parts;
  }

  /** The source, of which no more than a part is read before that has been sent. */
  over(source: AsyncIterable<Uint8Array>): BudgetedSource {
    const turn = new Turn(
      () => this.#take(),
      () => this.#giveBack(),
    );
    let failure: unknown;
    const { partBytes } = this;
    async function* read(): AsyncIterable<Uint8Array> {
      let received = 0;
      try {
        await turn.begin();
        for await (const chunk of source) {
          received += chunk.length;
          yield chunk;
          // A part is complete when there is something of the next one.
          await turn.after(Math.floor(Math.max(0, received - 1) / partBytes));
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    }
    return { bytes: read(), sent: () => turn.sent(), fault: () => failure, release: () => turn.end() };
  }

  async #take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((next) => this.#waiting.push(next));
  }

  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

/** The turns of one upload. */
class Turn {
  #parts = 0;
  #seen = 0;
  #holds = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(
    private readonly take: () => Promise<void>,
    private readonly giveBack: () => void,
  ) {}

  async begin(): Promise<void> {
    if (this.#ended) throw givenUp();
    await this.take();
    this.#holds = true;
    if (!this.#ended) return;
    this.#letGo();
    throw givenUp();
  }

  /** Waits until so many parts have been sent, and for the next turn if these are more than before. */
  async after(parts: number): Promise<void> {
    if (parts === this.#seen) return;
    this.#seen = parts;
    while (this.#parts < parts && !this.#ended) await new Promise<void>((wake) => (this.#wake = wake));
    this.#letGo();
    await this.begin();
  }

  sent(): void {
    this.#parts++;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#letGo();
    this.#wake?.();
  }

  #letGo(): void {
    if (this.#holds) this.giveBack();
    this.#holds = false;
  }
}

function givenUp(): Error {
  return new Error('the upload was given up');
}
