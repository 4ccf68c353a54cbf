import { MatrixError } from '@ganglion/contracts';
import type { AccountData } from '@ganglion/contracts/user';
import { domainOf, INVITE_RULE_TYPES, InviteRules } from '@ganglion/protocol';

export interface InviteRuleReaders {
  readonly accountData: Pick<AccountData, 'getAccountData'>;
  readonly isOurs: (serverName: string) => boolean;
}

/** @throws MatrixError M_INVITE_BLOCKED when a user of ours does not want to be invited by somebody */
export async function checkIsWanted(deps: InviteRuleReaders, userId: string, sender: string): Promise<void> {
  if (!deps.isOurs(domainOf(userId))) return;
  const contents = INVITE_RULE_TYPES.map(async (type) => {
    const { contentJson } = await deps.accountData.getAccountData({ userId, roomId: '', type });
    return [type, contentJson === '' ? undefined : JSON.parse(contentJson)] as const;
  });
  const rules = new InviteRules(Object.fromEntries(await Promise.all(contents)));
  if (rules.verdict(sender) !== 'block') return;
  throw new MatrixError(403, 'M_INVITE_BLOCKED', `${userId} does not want to be invited`);
}
