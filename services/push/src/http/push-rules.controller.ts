import { Authenticated, Path, Query, RateLimited, RequestedBy, type Requester, StoredJsonBody } from '@ganglion/http';
import { jsonObject } from '@ganglion/http/values';
import {
  deletePushRule,
  type JsonObject,
  type PushRulePosition,
  putPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from '@ganglion/protocol';
import { Controller, Delete, Get, Inject, Put } from '@nestjs/common';
import { PushRules } from '../domain/push-rules.js';
import {
  type AnyRulePath,
  type AttributePath,
  anyRulePath,
  attributePath,
  type KindPath,
  kindPath,
  positionQuery,
  type RulePath,
  rulePath,
  scopePath,
} from './parameters.js';

/** Paths that lack a part are refused as malformed: they name no rule that there could be. */
@Controller('_matrix/client/v3/pushrules')
@Authenticated({ suspended: true })
export class PushRulesController {
  constructor(@Inject(PushRules) private readonly rules: PushRules) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules */
  @Get('/')
  async getPushRules(@RequestedBy() { userId }: Requester) {
    return { global: await this.rules.all(userId) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobal */
  @Get(':scope')
  getPushRulesGlobal(@RequestedBy() { userId }: Requester, @Path(scopePath) _: unknown) {
    return this.rules.all(userId);
  }

  /** Not in the specification any more, and asked for by clients of old. */
  @Get(':scope/:kind')
  async getPushRulesOfKind(@RequestedBy() { userId }: Requester, @Path(kindPath) { kind }: KindPath) {
    this.rules.checkKind(kind);
    return (await this.rules.all(userId))[kind];
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid */
  @Get(':scope/:kind/:ruleId')
  getPushRule(@RequestedBy() { userId }: Requester, @Path(anyRulePath) { kind, ruleId }: AnyRulePath) {
    return this.rules.one(userId, kind, ruleId);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid */
  @Put([':scope', ':scope/:kind', ':scope/:kind/:ruleId'])
  @RateLimited('account_data')
  async setPushRule(
    @RequestedBy() { userId }: Requester,
    @Path(rulePath) { kind, ruleId }: RulePath,
    @Query(positionQuery) position: PushRulePosition,
    @StoredJsonBody(jsonObject) body: JsonObject,
  ) {
    await this.rules.change(userId, (changes) => putPushRule(changes, kind, ruleId, body, position));
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid */
  @Delete([':scope', ':scope/:kind', ':scope/:kind/:ruleId'])
  @RateLimited('account_data')
  async deletePushRule(@RequestedBy() { userId }: Requester, @Path(rulePath) { kind, ruleId }: RulePath) {
    await this.rules.change(userId, (changes) => deletePushRule(changes, kind, ruleId));
    return {};
  }

  /**
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidactions
   */
  @Get(':scope/:kind/:ruleId/:attribute')
  async getPushRuleAttribute(
    @RequestedBy() { userId }: Requester,
    @Path(attributePath) { kind, ruleId, attribute }: AttributePath,
  ) {
    const rule = await this.rules.one(userId, kind, ruleId);
    return { [attribute]: rule[attribute] };
  }

  /**
   * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled
   * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions
   */
  @Put(':scope/:kind/:ruleId/:attribute')
  @RateLimited('account_data')
  async setPushRuleAttribute(
    @RequestedBy() { userId }: Requester,
    @Path(attributePath) { kind, ruleId, attribute }: AttributePath,
    @StoredJsonBody(jsonObject) body: JsonObject,
  ) {
    this.rules.checkKind(kind);
    const set = attribute === 'enabled' ? setPushRuleEnabled : setPushRuleActions;
    await this.rules.change(userId, (changes) => set(changes, kind, ruleId, body));
    return {};
  }
}
