import { z } from 'zod';

/** As nobody can register such a name. */
const LOCALPART = /^_[a-z0-9._=/+-]{0,100}$/;

export const serverNotices = z
  .strictObject({
    localpart: z
      .string()
      .regex(LOCALPART, 'has to begin with _, as nobody can register such a name')
      .default('_server')
      .describe('Who sends them, without @ and server name. It begins with _, as nobody can register such a name.'),
    display_name: z.string().min(1).max(255).default('Server notices').describe('What that user is called.'),
    avatar_url: z
      .string()
      .startsWith('mxc://')
      .exactOptional()
      .meta({ description: 'The picture of that user and of the rooms.', examples: ['mxc://example.org/abc'] }),
    room_name: z.string().min(1).max(255).default('Server notices').describe('What the rooms are called.'),
  })
  .exactOptional()
  .meta({
    description:
      'Official messages: administrators send them to single users, who are invited to a room for that. Without this section there are none.',
    examples: [{}],
  });
