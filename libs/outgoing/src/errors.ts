/** Why a request to elsewhere came to nothing. */
export type OutgoingFault = 'address' | 'network' | 'timeout' | 'too-large' | 'redirect' | 'url' | 'header';

/** A request to elsewhere that came to nothing, through no fault of ours. */
export class OutgoingError extends Error {
  constructor(
    readonly fault: OutgoingFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'OutgoingError';
  }
}
