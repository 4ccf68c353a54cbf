import { MatrixError, retryOnChange } from '@ganglion/contracts';
import type { AccountData } from '@ganglion/contracts/user';
import {
  type AnyPushRuleKind,
  findPushRule,
  InvalidPushRuleError,
  type PushRule,
  type PushRuleChanges,
  PushRuleNotFoundError,
  type PushRuleOptions,
  type PushRuleset,
  pushRulesOf,
  storedPushRuleChanges,
  THREAD_RULES,
} from '@ganglion/protocol';

/** Makes new changes of those there are. Called again when somebody else was faster. */
type Edit = (changes: PushRuleChanges) => PushRuleChanges;

/**
 * The push rules of users. They are account data, and kept with it: what a user changed is stored as the content of
 * `m.push_rules`, so that it reaches /sync as everything else there does.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export class PushRules {
  constructor(
    private readonly accountData: AccountData,
    private readonly options: PushRuleOptions,
  ) {}

  async all(userId: string): Promise<PushRuleset> {
    const { changes } = await this.#read(userId);
    return pushRulesOf(userId, changes, this.options);
  }

  /** @throws MatrixError M_NOT_FOUND */
  async one(userId: string, kind: AnyPushRuleKind, ruleId: string): Promise<PushRule> {
    const { changes } = await this.#read(userId);
    return asMatrixErrors(() => findPushRule(userId, changes, kind, ruleId, this.options));
  }

  /** @throws MatrixError M_NOT_FOUND for a kind that there are no rules of here */
  checkKind(kind: AnyPushRuleKind): void {
    if (kind === THREAD_RULES && !this.options.threads)
      throw new MatrixError(404, 'M_NOT_FOUND', 'There are no push rules of this kind');
  }

  /**
   * Changes a user's rules. Of changes that are made at once none is lost.
   *
   * @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM, M_MISSING_PARAM, M_UNKNOWN, M_TOO_LARGE, and M_LIMIT_EXCEEDED when
   * others go on being faster
   */
  async change(userId: string, edit: Edit): Promise<void> {
    await retryOnChange(async () => {
      const { changes, userSeq } = await this.#read(userId);
      const edited = asMatrixErrors(() => edit(changes));
      const contentJson = JSON.stringify(edited);
      const { stored } = await this.accountData.putAccountData({ ...keyOf(userId), contentJson, expectedSeq: userSeq });
      return stored;
    });
  }

  async #read(userId: string): Promise<{ changes: PushRuleChanges; userSeq: number }> {
    const { contentJson, userSeq } = await this.accountData.getAccountData(keyOf(userId));
    return { changes: storedPushRuleChanges(JSON.parse(contentJson || '{}')), userSeq };
  }
}

function keyOf(userId: string) {
  return { userId, roomId: '', type: 'm.push_rules' };
}

function asMatrixErrors<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof PushRuleNotFoundError) throw new MatrixError(404, error.errcode, error.message);
    if (error instanceof InvalidPushRuleError) throw new MatrixError(400, error.errcode, error.message);
    throw error;
  }
}
