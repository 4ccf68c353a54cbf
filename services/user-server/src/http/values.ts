import { deviceId, orAbsent, text } from '@ganglion/http/values';
import { z } from 'zod';

export const optionalText = orAbsent(text);
export const optionalFlag = orAbsent(z.boolean());

/** An empty device id asks for a new one, as an absent one does. */
const optionalDeviceId = orAbsent(z.union([z.literal(''), deviceId], 'is not a device id'));

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
