import { z } from 'zod';
import { jsonObject, userId } from './parameters.js';

const initialEvent = z
  .object({ type: z.string().min(1), state_key: z.string().default(''), content: jsonObject })
  .transform(({ type, state_key, content }) => ({ type, stateKey: state_key, content }));

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
export const createRoomBody = z.object({
  visibility: z.enum(['public', 'private']).default('private'),
  preset: z.enum(['private_chat', 'trusted_private_chat', 'public_chat']).optional(),
  room_alias_name: z.string().min(1).optional(),
  name: z.string().optional(),
  topic: z.string().optional(),
  invite: z.array(userId).max(1_000).default([]),
  invite_3pid: z
    .array(z.unknown())
    .max(0, { error: 'this server does not invite by e-mail address or telephone number' })
    .optional(),
  room_version: z.string().optional(),
  creation_content: jsonObject.default({}),
  initial_state: z.array(initialEvent).max(1_000).default([]),
  is_direct: z.boolean().default(false),
  power_level_content_override: jsonObject.default({}),
});
