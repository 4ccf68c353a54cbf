import { MatrixError } from '@ganglion/contracts';
import { invalidParam } from './failures.js';

const MAX_LENGTH = 512;

/** What a new password must be like. @see https://spec.matrix.org/v1.19/client-server-api/#password-management */
export class PasswordPolicy {
  constructor(private readonly minLength: number) {}

  /** @throws MatrixError M_WEAK_PASSWORD, or M_INVALID_PARAM for one so long that it can only be meant to cost us */
  check(password: string): void {
    if ([...password].length < this.minLength) {
      throw new MatrixError(400, 'M_WEAK_PASSWORD', `A password must have at least ${this.minLength} characters`);
    }
    if (password.length > MAX_LENGTH) throw invalidParam(`A password may have at most ${MAX_LENGTH} characters`);
  }
}
