import { MatrixError } from '@ganglion/contracts';

/** A confirmed address has served already, or its time is over. */
export class EmailSessionGoneError extends Error {
  override readonly name = 'EmailSessionGoneError';
}

/** Somebody else was faster with an address. */
export class AddressInUseError extends Error {
  override readonly name = 'AddressInUseError';
}

export const addressInUse = () =>
  new MatrixError(400, 'M_THREEPID_IN_USE', 'This address belongs to an account already');
export const mediumNotSupported = (message: string) => new MatrixError(400, 'M_THREEPID_MEDIUM_NOT_SUPPORTED', message);
export const notConfirmed = (status: 400 | 401 = 400) =>
  new MatrixError(status, 'M_THREEPID_AUTH_FAILED', 'The link in the e-mail has not been followed yet, or is over');

/** @throws MatrixError M_THREEPID_IN_USE, M_THREEPID_AUTH_FAILED in the place of what the store throws */
export async function withAddress<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AddressInUseError) throw addressInUse();
    if (error instanceof EmailSessionGoneError) throw notConfirmed();
    throw error;
  }
}
