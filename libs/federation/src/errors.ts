import { MatrixError } from '@ganglion/contracts';

/** Another server could not be asked, or its answer could not be understood. Whether it did what was asked is unknown. */
export class UnreachableServerError extends Error {
  constructor(
    readonly destination: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${destination}: ${message}`, options);
    this.name = 'UnreachableServerError';
  }
}

/** Another server has answered that it will not. */
export class RemoteRefusal extends Error {
  constructor(
    readonly destination: string,
    readonly status: number,
    /** Empty when it gave none. */
    readonly errcode: string,
    message: string,
    /** The whole of its answer, as far as it was JSON. */
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'RemoteRefusal';
  }

  /** Whether asking the same again, later, may be answered otherwise. */
  get isTemporary(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** The operator does not want us to have to do with that server. */
export function notFederating(serverName: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', `This server does not talk to ${serverName}`);
}
