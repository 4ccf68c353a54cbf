import { MatrixError } from '@ganglion/contracts';

export const forbidden = (message: string) => new MatrixError(403, 'M_FORBIDDEN', message);
export const notFound = (message: string) => new MatrixError(404, 'M_NOT_FOUND', message);
export const invalidParam = (message: string) => new MatrixError(400, 'M_INVALID_PARAM', message);
export const badJson = (message: string) => new MatrixError(400, 'M_BAD_JSON', message);
export const missingParam = (message: string) => new MatrixError(400, 'M_MISSING_PARAM', message);

/**
 * A token that cannot be used; softly, when logging in again brings the same device back.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
 */
export const unknownToken = (message: string, softLogout = false) =>
  new MatrixError(401, 'M_UNKNOWN_TOKEN', message, { soft_logout: softLogout });
