import { MatrixError } from '@ganglion/contracts';
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { RpcDeadlineError, type RpcError, RpcInternalError, RpcUnavailableError } from './errors.js';

const ERROR_KEY = 'ganglion-error-bin';
const REFUSED_KEY = 'ganglion-refused';
const AWAY = 'something that is needed for this is away';
/** Trailers are headers: peers and proxies bound them, so the message and the extra fields are bounded first. */
const MAX_BYTES = 6_000;
const MAX_MESSAGE = 1_000;
const MAX_ERRCODE = 255;

/** What a call failed with on the wire, and whether the callee is known not to have begun. */
export interface CallFailure {
  readonly error: MatrixError | RpcError;
  readonly transport: boolean;
  readonly begun: boolean;
}

/** gRPC's own code is for dashboards; the Matrix error itself travels in the trailers. */
export function matrixErrorStatus(error: MatrixError): Partial<ServiceError> {
  const metadata = new Metadata();
  metadata.set(ERROR_KEY, encodeMatrixError(error));
  return { code: grpcCode(error), details: error.errcode.slice(0, MAX_ERRCODE), metadata };
}

/** What a server that is going away answers before it has looked at the request. */
export function refusedStatus(): Partial<ServiceError> {
  const metadata = new Metadata();
  metadata.set(REFUSED_KEY, '1');
  return { code: status.UNAVAILABLE, details: 'draining', metadata };
}

/**
 * What a call is answered that failed because something is away that the callee needs itself: its database, or another service. The
 * callee is well; and neither gRPC nor our Matrix errors use this code.
 */
export function awayStatus(): Partial<ServiceError> {
  return { code: status.ABORTED, details: AWAY };
}

/** What of the metadata of a failure is ours. */
export interface FailureParts {
  readonly matrixError: Buffer;
  readonly refused: boolean;
}

export function failureParts(metadata: Metadata | undefined): FailureParts {
  const [error] = metadata?.get(ERROR_KEY) ?? [];
  const refused = (metadata?.get(REFUSED_KEY) ?? []).length > 0;
  return { matrixError: Buffer.isBuffer(error) ? error : Buffer.alloc(0), refused };
}

export function failureMetadata({ matrixError, refused }: FailureParts): Metadata {
  const metadata = new Metadata();
  if (matrixError.length > 0) metadata.set(ERROR_KEY, matrixError);
  if (refused) metadata.set(REFUSED_KEY, '1');
  return metadata;
}

export function readFailure(error: StatusObject): CallFailure {
  const matrixError = decodeMatrixError(error.metadata);
  if (matrixError) return { error: matrixError, transport: false, begun: true };
  if (error.code === status.DEADLINE_EXCEEDED) {
    return { error: new RpcDeadlineError('DEADLINE_EXCEEDED', 'no answer in time'), transport: false, begun: true };
  }
  if (error.code === status.ABORTED) {
    return { error: new RpcUnavailableError('UNAVAILABLE', error.details), transport: false, begun: true };
  }
  if (!isTransportFailure(error)) {
    return { error: new RpcInternalError(status[error.code], error.details), transport: false, begun: true };
  }
  const unavailable = new RpcUnavailableError('UNAVAILABLE', error.details);
  return { error: unavailable, transport: true, begun: !isUnbegun(error) };
}

function isTransportFailure({ code, details }: StatusObject): boolean {
  if (code === status.UNAVAILABLE || code === status.CANCELLED) return true;
  return code === status.INTERNAL && /^(Received RST_STREAM|Failed to start HTTP\/2 stream)/.test(details);
}

function isUnbegun({ details, metadata }: StatusObject): boolean {
  if (metadata.get(REFUSED_KEY).length > 0) return true;
  return /^(No connection established|Stream refused by server|Failed to start HTTP\/2 stream)|REFUSED_STREAM$/.test(
    details,
  );
}

function encodeMatrixError(error: MatrixError): Buffer {
  const short = {
    status: error.status,
    errcode: error.errcode.slice(0, MAX_ERRCODE),
    message: error.message.slice(0, MAX_MESSAGE),
  };
  const whole = Buffer.from(JSON.stringify({ ...short, extra: error.extra }));
  return whole.length <= MAX_BYTES ? whole : Buffer.from(JSON.stringify(short));
}

function decodeMatrixError(metadata: Metadata): MatrixError | undefined {
  const [value] = metadata.get(ERROR_KEY);
  if (!Buffer.isBuffer(value) || value.length > MAX_BYTES * 2) return undefined;
  try {
    const { status, errcode, message, extra } = JSON.parse(value.toString('utf8'));
    if (!Number.isInteger(status) || typeof errcode !== 'string' || typeof message !== 'string') return undefined;
    return new MatrixError(status, errcode, message, typeof extra === 'object' && extra !== null ? extra : undefined);
  } catch {
    return undefined;
  }
}

const CODES = new Map([
  [400, status.INVALID_ARGUMENT],
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [404, status.NOT_FOUND],
  [409, status.ABORTED],
  [413, status.OUT_OF_RANGE],
  [429, status.RESOURCE_EXHAUSTED],
]);

/** The gRPC code that stands for a Matrix error on dashboards. */
export function grpcCode(error: MatrixError): status {
  return CODES.get(error.status) ?? status.FAILED_PRECONDITION;
}
