import { isJsonObject, isValidDeviceId, type JsonObject } from '@ganglion/protocol';
import { z } from 'zod';

/** Any string that a database can hold. */
export const text = z.string().refine((value) => !value.includes('\0'), { error: 'NUL is not allowed' });

/** Many clients send null for what they do not set. */
export function orAbsent<T>(schema: z.ZodType<T>) {
  return schema.nullish().transform((value) => value ?? undefined);
}

export const optionalText = orAbsent(text);
export const optionalFlag = orAbsent(z.boolean());

/** An empty device id asks for a new one, as an absent one does. */
const optionalDeviceId = orAbsent(
  text.refine((value) => value === '' || isValidDeviceId(value), { error: 'this cannot be a device id' }),
);

/** What only the client knows of a session. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3registeremailrequesttoken */
export const clientSecret = z
  .string()
  .regex(/^[0-9a-zA-Z.=_-]{1,255}$/, 'a client secret has 1 to 255 of 0-9a-zA-Z.=_-');

/** What comes with every request that logs a device in. */
export const deviceFields = {
  device_id: optionalDeviceId,
  initial_device_display_name: optionalText,
  refresh_token: optionalFlag,
};

interface DeviceFields {
  readonly device_id?: string | undefined;
  readonly initial_device_display_name?: string | undefined;
  readonly refresh_token?: boolean | undefined;
}

/** The fields of a request that describe the device. */
export function deviceRequestOf(body: DeviceFields) {
  return {
    deviceId: body.device_id,
    initialDeviceDisplayName: body.initial_device_display_name,
    refreshToken: body.refresh_token,
  };
}

/** A JSON object, taken as it is. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, { error: 'a JSON object is expected' });
