import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, isPushRuleKind, type JsonObject, type PushRuleKind } from '@ganglion/protocol';
import { z } from 'zod';

const text = z.string().refine((value) => !value.includes('\0'), 'must not hold NUL');

/** A JSON object, taken as it is. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be a JSON object');

export const rulePath = z.object({ kind: z.string(), ruleId: z.string() });
export type RulePath = z.output<typeof rulePath>;

export const positionQuery = z.object({ before: z.string().optional(), after: z.string().optional() });

/** There are no rules of a kind that does not exist. @throws MatrixError M_NOT_FOUND */
export function knownKind(kind: string): PushRuleKind {
  if (!isPushRuleKind(kind)) throw new MatrixError(404, 'M_NOT_FOUND', `There are no push rules of the kind ${kind}`);
  return kind;
}

/** No rule can be of a kind that does not exist. @throws MatrixError M_INVALID_PARAM */
export function usableKind(kind: string): PushRuleKind {
  if (!isPushRuleKind(kind)) throw new MatrixError(400, 'M_INVALID_PARAM', `${kind} is not a kind of push rules`);
  return kind;
}

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
