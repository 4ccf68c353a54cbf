import { jsonObject, orAbsent, text, userId } from '@ganglion/http/values';
import { z } from 'zod';
import { asItIs, mapOf, timeoutMs } from './values.js';

const signatures = mapOf(text, mapOf(text, z.string()));

const deviceKeys = asItIs(
  z.object({
    user_id: z.string(),
    device_id: z.string(),
    algorithms: z.array(z.string()).max(100),
    keys: mapOf(text, z.string()),
    signatures,
  }),
);

const oneTimeKeys = mapOf(text, z.union([text, asItIs(z.object({ key: text }))]));

export const uploadBody = z
  .object({
    device_keys: orAbsent(deviceKeys),
    one_time_keys: orAbsent(oneTimeKeys),
    fallback_keys: orAbsent(oneTimeKeys),
    // What clients send that were written before fallback keys were in the specification.
    'org.matrix.msc2732.fallback_keys': orAbsent(oneTimeKeys),
  })
  .transform((body) => ({
    deviceKeys: body.device_keys,
    oneTimeKeys: body.one_time_keys ?? {},
    fallbackKeys: body.fallback_keys ?? body['org.matrix.msc2732.fallback_keys'] ?? {},
  }));

/** An account that was pickled by a client takes a tenth of it. */
const MAX_DEVICE_DATA = 65_536;

const deviceData = asItIs(z.object({ algorithm: text })).transform((data, context) => {
  const json = JSON.stringify(data);
  if (json.length > MAX_DEVICE_DATA) context.addIssue({ code: 'custom', message: 'is too large' });
  return json;
});

export const dehydratedDeviceBody = z
  .object({
    device_id: text.min(1).max(255),
    device_data: deviceData,
    initial_device_display_name: orAbsent(text),
    device_keys: deviceKeys,
    one_time_keys: orAbsent(oneTimeKeys),
    fallback_keys: orAbsent(oneTimeKeys),
  })
  .transform((body) => ({
    deviceId: body.device_id,
    dehydratedData: body.device_data,
    displayName: body.initial_device_display_name,
    deviceKeys: body.device_keys,
    oneTimeKeys: body.one_time_keys ?? {},
    fallbackKeys: body.fallback_keys ?? {},
  }));

export const queryBody = z
  .object({ timeout: timeoutMs, device_keys: mapOf(userId, z.array(z.string())) })
  .transform(({ timeout, device_keys }) => ({ timeoutMs: timeout, deviceKeys: device_keys }));

export const claimBody = z
  .object({ timeout: timeoutMs, one_time_keys: mapOf(userId, mapOf(text, text)) })
  .transform(({ timeout, one_time_keys }) => ({ timeoutMs: timeout, oneTimeKeys: one_time_keys }));

const crossSigningKey = asItIs(
  z.object({
    user_id: z.string(),
    usage: z.array(z.string()),
    keys: mapOf(text, text),
    signatures: signatures.optional(),
  }),
);

/** As far as its types go; `auth` is looked at by whoever authenticates. */
export const crossSigningBody = z
  .object({
    master_key: orAbsent(crossSigningKey),
    self_signing_key: orAbsent(crossSigningKey),
    user_signing_key: orAbsent(crossSigningKey),
  })
  .transform(({ master_key, self_signing_key, user_signing_key }) => ({
    ...(master_key && { master: master_key }),
    ...(self_signing_key && { self_signing: self_signing_key }),
    ...(user_signing_key && { user_signing: user_signing_key }),
  }));

export const signaturesBody = mapOf(userId, mapOf(text, jsonObject));
