import type { Transaction } from '@ganglion/database';
import type { Admission } from '../domain/ports.js';
import { RegistrationTokenSpentError } from '../domain/registration-token-spent-error.js';
import { acceptedTerms } from './schema.js';
import { addConfirmedAddress } from './third-party-id-store.js';

/**
 * Notes on what terms somebody has got an account, in the transaction that makes it.
 *
 * @throws RegistrationTokenSpentError, EmailSessionGoneError, AddressInUseError
 */
export async function admit(tx: Transaction, userId: string, admission: Admission | undefined): Promise<void> {
  if (admission?.registrationToken !== undefined) await useToken(tx, admission.registrationToken);
  if (admission?.emailSession !== undefined) await addConfirmedAddress(tx, userId, admission.emailSession);
  const agreed = Object.entries(admission?.acceptedTerms ?? {});
  if (agreed.length === 0) return;
  await tx.drizzle.insert(acceptedTerms).values(agreed.map(([policy, version]) => ({ userId, policy, version })));
}

async function useToken(tx: Transaction, token: string): Promise<void> {
  const { rowCount } = await tx.query({
    name: 'use-registration-token',
    text: `UPDATE user_server.registration_tokens SET uses = uses + 1
           WHERE token = $1 AND (uses_allowed IS NULL OR uses < uses_allowed)
             AND (expires_at IS NULL OR expires_at > now())`,
    values: [token],
  });
  if (rowCount === 0) throw new RegistrationTokenSpentError();
}
