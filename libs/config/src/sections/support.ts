import { isValidUserId } from '@ganglion/protocol/identifiers';
import { z } from 'zod';
import { contradiction, httpUrl } from '../values.js';

const contact = z
  .strictObject({
    matrix_id: z
      .string()
      .refine(isValidUserId, { error: 'a user id, such as @admin:example.org' })
      .exactOptional()
      .meta({ description: 'Where they are on Matrix, on another server perhaps.', examples: ['@admin:example.org'] }),
    email_address: z
      .email()
      .exactOptional()
      .meta({ description: 'Their e-mail address.', examples: ['admin@example.org'] }),
    role: z.string().min(1).default('m.role.admin').describe('m.role.admin, m.role.security, or a name of your own.'),
  })
  .superRefine(({ matrix_id, email_address }, { addIssue }) => {
    if (matrix_id === undefined && email_address === undefined) {
      addIssue(contradiction('a contact has a matrix_id, an email_address or both'));
    }
  });

export const support = z
  .strictObject({
    contacts: z.array(contact).default([]).describe('Whom people write to.'),
    page: httpUrl
      .exactOptional()
      .meta({ description: 'A page that helps them.', examples: ['https://example.org/help'] }),
  })
  .prefault({})
  .describe('How people reach who runs this server, for /.well-known/matrix/support.');
