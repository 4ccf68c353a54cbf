import { GlobSet } from '../globs/glob-set.js';
import { isJsonObject, type JsonObject } from '../json/json-value.js';

/** What becomes of an invite: it is refused, or its user is not told of it. */
export type InviteVerdict = 'allow' | 'ignore' | 'block';

/** Account data that says whose invites somebody wants. */
export const INVITE_RULE_TYPES = [
  'm.invite_permission_config',
  'org.matrix.msc4380.invite_permission_config',
  'org.matrix.msc4155.invite_permission_config',
] as const;
export type InviteRuleType = (typeof INVITE_RULE_TYPES)[number];

/** More patterns than anybody writes are left out. */
const MAX_PATTERNS = 1_000;
const VERDICTS = [
  ['allow', 'allowed'],
  ['ignore', 'ignored'],
  ['block', 'blocked'],
] as const;

/**
 * Whose invites somebody wants. What is malformed says nothing.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4155
 */
export class InviteRules {
  readonly #byUser: readonly (readonly [InviteVerdict, GlobSet])[];
  readonly #byServer: readonly (readonly [InviteVerdict, GlobSet])[];
  readonly #otherwise: InviteVerdict;

  /** @param contents by type; those that are not set are left out */
  constructor(contents: Readonly<Partial<Record<InviteRuleType, unknown>>>) {
    const contentOf = (type: InviteRuleType): JsonObject => {
      const content = contents[type];
      return isJsonObject(content) ? content : {};
    };
    const [stable, unstable, lists] = INVITE_RULE_TYPES.map(contentOf) as [JsonObject, JsonObject, JsonObject];
    const isOn = lists.enabled !== false;
    const patterns = (of: 'users' | 'servers') =>
      VERDICTS.map(([verdict, name]) => [verdict, new GlobSet(isOn ? textsOf(lists[`${name}_${of}`]) : [])] as const);
    this.#byUser = patterns('users');
    this.#byServer = patterns('servers');
    this.#otherwise = stable.default_action === 'block' || unstable.default_action === 'block' ? 'block' : 'allow';
  }

  /** What becomes of an invite by a user. */
  verdict(inviter: string): InviteVerdict {
    const server = inviter.slice(inviter.indexOf(':') + 1);
    const ofUser = this.#byUser.find(([, users]) => users.has(inviter));
    return ofUser?.[0] ?? this.#byServer.find(([, servers]) => servers.has(server))?.[0] ?? this.#otherwise;
  }
}

function textsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each) => typeof each === 'string' && each.length <= 255).slice(0, MAX_PATTERNS);
}
