import { jsonObject, orAbsent } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { z } from 'zod';

/** An object whose names fit one schema and whose values another, taken as it is. */
export function mapOf<T>(names: z.ZodType<string>, values: z.ZodType<T>) {
  return jsonObject.superRefine((object, context) => {
    for (const [name, value] of Object.entries(object)) {
      const issue = names.safeParse(name).error?.issues[0] ?? values.safeParse(value).error?.issues[0];
      if (issue === undefined) continue;
      context.addIssue({ code: 'custom', path: [name, ...issue.path], message: issue.message });
      return;
    }
  }) as unknown as z.ZodType<Readonly<Record<string, T>>>;
}

/** What fits a schema, taken as it is: with all that the schema does not speak of. */
export function asItIs<T extends object>(schema: z.ZodType<T>) {
  return jsonObject.superRefine((object, context) => {
    const wrong = schema.safeParse(object).error?.issues[0];
    if (wrong !== undefined) context.addIssue({ code: 'custom', path: [...wrong.path], message: wrong.message });
  }) as unknown as z.ZodType<T & JsonObject>;
}

const MAX_TIMEOUT_MS = 30_000;

/** How long other servers may take, in milliseconds. */
export const timeoutMs = orAbsent(z.number().int().min(0)).transform((ms = 10_000) => Math.min(ms, MAX_TIMEOUT_MS));
