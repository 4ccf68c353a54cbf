import { MatrixError } from '@ganglion/contracts';
import { domainOf, INVITE_RULE_TYPES, InviteRules } from '@ganglion/protocol';
import type { Owners } from './ports.js';

/**
 * Somebody is about to be invited. Users of other servers say there whether they want that.
 *
 * @throws MatrixError M_INVITE_BLOCKED when they do not
 * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
 */
export async function checkMayInvite(owners: Pick<Owners, 'accountData' | 'isOurs'>, inviter: string, userId: string) {
  if (!owners.isOurs(domainOf(userId))) return;
  const contents = await Promise.all(
    INVITE_RULE_TYPES.map(async (type) => {
      const { contentJson } = await owners.accountData.getAccountData({ userId, roomId: '', type });
      return [type, contentJson === '' ? undefined : JSON.parse(contentJson)] as const;
    }),
  );
  if (new InviteRules(Object.fromEntries(contents)).verdict(inviter) !== 'block') return;
  throw new MatrixError(403, 'M_INVITE_BLOCKED', `${userId} does not want to be invited`);
}
