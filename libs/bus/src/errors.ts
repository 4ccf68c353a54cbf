/** Thrown by a handler: this message can never be handled, so park it instead of trying again. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';
  readonly permanent = true;
}

/** The bus cannot store messages now. Trying again later may help. */
export class BusUnavailableError extends Error {
  override readonly name = 'BusUnavailableError';
}

/** The bus was closed by this process. */
export class BusClosedError extends Error {
  override readonly name = 'BusClosedError';

  constructor() {
    super('the bus is closed');
  }
}

/** The bus takes no message of this size, now or later. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError';
  readonly permanent = true;
  /** The size of the message. */
  readonly bytes: number;
  /** The largest that is taken; undefined when the server did not tell. */
  readonly limit: number | undefined;

  constructor(bytes: number, limit: number | undefined, options?: ErrorOptions) {
    super(`a message of ${bytes} bytes is larger than the ${limit ?? 'size'} that the bus takes`, options);
    this.bytes = bytes;
    this.limit = limit;
  }
}

/** Whether an error says that trying again cannot help. */
export function isPermanent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'permanent' in error && error.permanent === true;
}

const MAX_WORDS = 500;

/** An error in one line, without its stack. */
export function inWords(error: unknown): string {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return words.replace(/\s+/g, ' ').slice(0, MAX_WORDS);
}
