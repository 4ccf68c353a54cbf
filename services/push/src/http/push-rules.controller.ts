import { Authenticated, JsonBody, Path, Query, RequestedBy, type Requester } from '@ganglion/http';
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
import { jsonObject, knownKind, positionQuery, type RulePath, rulePath, usableKind } from './parameters.js';

@Controller('_matrix/client/v3/pushrules')
@Authenticated()
export class PushRulesController {
  constructor(@Inject(PushRules) private readonly rules: PushRules) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules */
  @Get('/')
  async getPushRules(@RequestedBy() { userId }: Requester) {
    return { global: await this.rules.all(userId) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobal */
  @Get('global/')
  getPushRulesGlobal(@RequestedBy() { userId }: Requester) {
    return this.rules.all(userId);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid */
  @Get('global/:kind/:ruleId')
  getPushRule(@RequestedBy() { userId }: Requester, @Path(rulePath) { kind, ruleId }: RulePath) {
    return this.rules.one(userId, knownKind(kind), ruleId);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid */
  @Put('global/:kind/:ruleId')
  async setPushRule(
    @RequestedBy() { userId }: Requester,
    @Path(rulePath) { kind, ruleId }: RulePath,
    @Query(positionQuery) position: PushRulePosition,
    @JsonBody(jsonObject) body: JsonObject,
  ) {
    const usable = usableKind(kind);
    await this.rules.change(userId, (changes) => putPushRule(changes, usable, ruleId, body, position));
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid */
  @Delete('global/:kind/:ruleId')
  async deletePushRule(@RequestedBy() { userId }: Requester, @Path(rulePath) { kind, ruleId }: RulePath) {
    const known = knownKind(kind);
    await this.rules.change(userId, (changes) => deletePushRule(changes, known, ruleId));
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled */
  @Get('global/:kind/:ruleId/enabled')
  async isPushRuleEnabled(@RequestedBy() { userId }: Requester, @Path(rulePath) { kind, ruleId }: RulePath) {
    const { enabled } = await this.rules.one(userId, knownKind(kind), ruleId);
    return { enabled };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled */
  @Put('global/:kind/:ruleId/enabled')
  async setPushRuleEnabled(
    @RequestedBy() { userId }: Requester,
    @Path(rulePath) { kind, ruleId }: RulePath,
    @JsonBody(jsonObject) body: JsonObject,
  ) {
    const known = knownKind(kind);
    await this.rules.change(userId, (changes) => setPushRuleEnabled(changes, known, ruleId, body));
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidactions */
  @Get('global/:kind/:ruleId/actions')
  async getPushRuleActions(@RequestedBy() { userId }: Requester, @Path(rulePath) { kind, ruleId }: RulePath) {
    const { actions } = await this.rules.one(userId, knownKind(kind), ruleId);
    return { actions };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions */
  @Put('global/:kind/:ruleId/actions')
  async setPushRuleActions(
    @RequestedBy() { userId }: Requester,
    @Path(rulePath) { kind, ruleId }: RulePath,
    @JsonBody(jsonObject) body: JsonObject,
  ) {
    const known = knownKind(kind);
    await this.rules.change(userId, (changes) => setPushRuleActions(changes, known, ruleId, body));
    return {};
  }
}
