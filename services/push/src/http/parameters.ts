import { jsonObject, orAbsent, text } from '@ganglion/http/values';
import { type AnyPushRuleKind, isPushRuleKind, type PushRuleKind, THREAD_RULES } from '@ganglion/protocol';
import { z } from 'zod';

const scope = z.string().refine((value) => value === 'global', 'is no scope of push rules: there is only "global"');
const kind = z.custom<PushRuleKind>((value) => isPushRuleKind(String(value)), 'is not a kind of push rules');
/** Of threads there are rules that nobody adds; clients look for them also where there are none (MSC4306). */
const anyKind = z.custom<AnyPushRuleKind>(
  (value) => value === THREAD_RULES || isPushRuleKind(String(value)),
  'is not a kind of push rules',
);
const ruleId = z.string().refine((value) => value !== '' && !/[/\\]/.test(value), 'cannot be the id of a push rule');
const attribute = z.enum(['enabled', 'actions']);

export const scopePath = z.object({ scope });
export const kindPath = z.object({ scope, kind: anyKind });
export const rulePath = z.object({ scope, kind, ruleId });
export const anyRulePath = z.object({ scope, kind: anyKind, ruleId });
export const attributePath = z.object({ scope, kind: anyKind, ruleId, attribute });
export type KindPath = z.output<typeof kindPath>;
export type AnyRulePath = z.output<typeof anyRulePath>;
export type RulePath = z.output<typeof rulePath>;
export type AttributePath = z.output<typeof attributePath>;

export const positionQuery = z.object({ before: z.string().optional(), after: z.string().optional() });

const optionalText = orAbsent(text);

/** The body of `POST /pushers/set`, as far as its types go; what a pusher needs depends on its kind. */
export const pusherBody = z.object({
  app_id: optionalText,
  pushkey: optionalText,
  kind: z.string().nullable().optional(),
  app_display_name: optionalText,
  device_display_name: optionalText,
  profile_tag: optionalText,
  lang: optionalText,
  data: jsonObject.nullish(),
  append: z.boolean().nullish(),
});
export type PusherBody = z.output<typeof pusherBody>;
