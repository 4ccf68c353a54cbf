const MATRIX_ERROR = Symbol.for('ganglion.MatrixError');

/**
 * A failure that the Matrix specification gives a name: what a client is answered, wherever in the house it arose.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export class MatrixError extends Error {
  readonly [MATRIX_ERROR] = true;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The spec's name of the failure, such as M_FORBIDDEN. */
  readonly errcode: string;
  /** Further fields of the answer, such as retry_after_ms or soft_logout. */
  readonly extra?: Readonly<Record<string, unknown>>;

  constructor(status: number, errcode: string, message: string, extra?: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = 'MatrixError';
    this.status = status;
    this.errcode = errcode;
    if (extra) this.extra = extra;
  }

  /** The body of the answer. */
  toJSON(): Record<string, unknown> {
    return { ...this.extra, errcode: this.errcode, error: this.message };
  }
}

/** Whether an error is a Matrix error, also when another copy of this module made it. */
export function isMatrixError(error: unknown): error is MatrixError {
  return typeof error === 'object' && error !== null && MATRIX_ERROR in error;
}
