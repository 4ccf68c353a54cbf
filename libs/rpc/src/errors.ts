/** Kept free of the transport, so that who only answers these errors does not load it. */

/** A call between services that failed for a reason that is nobody's Matrix error. */
export class RpcError extends Error {
  override readonly name: string = 'RpcError';
  /** The name of the gRPC status, such as UNAVAILABLE. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The callee failed; what went wrong is in its log, under the same trace. */
export class RpcInternalError extends RpcError {
  override readonly name = 'RpcInternalError';
}

/**
 * No replica could be reached, or the one that was asked went away or lacked what it needs itself; trying again later makes
 * sense.
 */
export class RpcUnavailableError extends RpcError {
  override readonly name: string = 'RpcUnavailableError';
}

/** Nobody answered in time. Whether the call was carried out is unknown. */
export class RpcDeadlineError extends RpcUnavailableError {
  override readonly name = 'RpcDeadlineError';
}

/** The caller gave up. */
export class RpcCancelledError extends RpcError {
  override readonly name = 'RpcCancelledError';
}
