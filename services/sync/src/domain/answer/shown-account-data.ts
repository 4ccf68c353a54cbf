import { type PushRuleOptions, pushRulesContent } from '@ganglion/protocol';
import type { AccountDataRow } from '../append-batch.js';
import { isErasure } from '../views/erased-users.js';

/**
 * A user's global account data as clients get it. Of push rules, only what the user changed is stored; everybody has
 * some, so an initial sync shows those of who changed none too.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mpush_rules
 */
export function shownAccountData(
  userId: string,
  rows: readonly AccountDataRow[],
  { isInitial, rules }: { readonly isInitial: boolean; readonly rules: PushRuleOptions },
) {
  const own = rows.filter((row) => row.roomId === '' && !isErasure(row));
  const complete = isInitial && !own.some(isPushRules) ? [...own, noPushRuleChanges(userId)] : own;
  return complete.map((row) => (isPushRules(row) ? { ...row, content: pushRulesText(row, rules) } : row));
}

/** Who has never seen it need not hear that it is gone. */
export function isDeleted(row: AccountDataRow): boolean {
  return row.content === '{}' && !isPushRules(row);
}

function isPushRules({ type }: AccountDataRow): boolean {
  return type === 'm.push_rules';
}

function noPushRuleChanges(userId: string): AccountDataRow {
  return { userId, roomId: '', type: 'm.push_rules', content: '{}', position: 0 };
}

function pushRulesText({ userId, content }: AccountDataRow, rules: PushRuleOptions): string {
  return JSON.stringify(pushRulesContent(userId, JSON.parse(content), rules));
}
