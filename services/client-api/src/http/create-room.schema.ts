import { jsonObject, orAbsent, orElse, userId } from '@ganglion/http/values';
import { z } from 'zod';
import { invitedAddress } from './parameters.js';

const initialEvent = z
  .object({ type: z.string().min(1), state_key: orElse(z.string(), ''), content: jsonObject })
  .transform(({ type, state_key, content }) => ({ type, stateKey: state_key, content }));

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
export const createRoomBody = z.object({
  visibility: orElse(z.enum(['public', 'private']), 'private'),
  preset: orAbsent(z.enum(['private_chat', 'trusted_private_chat', 'public_chat'])),
  room_alias_name: orAbsent(z.string().min(1)),
  name: orAbsent(z.string()),
  topic: orAbsent(z.string()),
  invite: orElse(z.array(userId).max(1_000), []),
  invite_3pid: orElse(z.array(invitedAddress).max(50), []),
  room_version: orAbsent(z.string()),
  creation_content: orElse(jsonObject, {}),
  initial_state: orElse(z.array(initialEvent).max(1_000), []),
  is_direct: orElse(z.boolean(), false),
  power_level_content_override: orElse(jsonObject, {}),
});
