import { isJsonObject, isPushRuleKind, type JsonObject, type PushRuleKind } from '@ganglion/protocol';
import { z } from 'zod';

const text = z.string().refine((value) => !value.includes('\0'), 'must not hold NUL');

/** A JSON object, taken as it is. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be a JSON object');

const scope = z.string().refine((value) => value === 'global', 'is no scope of push rules: there is only "global"');
const kind = z.custom<PushRuleKind>((value) => isPushRuleKind(String(value)), 'is not a kind of push rules');
/** A kind of rules that this server has none of, which clients look for all the same (MSC4306). */
const ABSENT_KIND = 'postcontent';
const soughtKind = z.union([kind, z.literal(ABSENT_KIND)], 'is not a kind of push rules');
const ruleId = z.string().refine((value) => value !== '' && !/[/\\]/.test(value), 'cannot be the id of a push rule');
const attribute = z.enum(['enabled', 'actions']);

export const scopePath = z.object({ scope });
export const kindPath = z.object({ scope, kind });
export const rulePath = z.object({ scope, kind, ruleId });
export const soughtRulePath = z.object({ scope, kind: soughtKind, ruleId });
export const attributePath = z.object({ scope, kind, ruleId, attribute });
export type KindPath = z.output<typeof kindPath>;
export type SoughtRulePath = z.output<typeof soughtRulePath>;
export type RulePath = z.output<typeof rulePath>;
export type AttributePath = z.output<typeof attributePath>;

export const positionQuery = z.object({ before: z.string().optional(), after: z.string().optional() });

const optionalText = text.nullish().transform((value) => value ?? undefined);

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
