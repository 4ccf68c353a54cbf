import { z } from 'zod';
import { contradiction, httpUrl, path, publicKey, serverKeyId, serverName } from '../values.js';

const serverNameEntry = z.strictObject({
  name: serverName.meta({
    description: 'What follows the colon in user ids. It can never be changed once users exist.',
    examples: ['example.org'],
  }),
  signing_key_path: path.exactOptional().meta({
    description:
      'File with the Ed25519 key that signs events, one line: ed25519 <version> <unpadded base64 seed>. Made by `ganglion generate-signing-key`. By default <data_dir>/keys/<name>.signing.key.',
    examples: ['keys/example.org.signing.key'],
  }),
  old_verify_keys: z
    .array(
      z.strictObject({
        key_id: serverKeyId.meta({ description: 'Its id.', examples: ['ed25519:a_1a2b3c'] }),
        key: publicKey.meta({
          description: 'The public key, as the server published it.',
          examples: ['Noi6WqcDj0QmPxCNQqgezwTlBKrfqehY1u2FyWP9uYw'],
        }),
        expired_ts: z
          .int()
          .min(0)
          .meta({
            description: 'When it was last used, in milliseconds since 1970.',
            examples: [1_767_225_600_000],
          }),
      }),
    )
    .exactOptional()
    .meta({
      description:
        'Keys that signed before signing_key_path did: what they have signed stays believed. To change the key, put the old one here and another file there.',
    }),
  client_base_url: httpUrl.exactOptional().meta({
    description: 'Where clients reach this server, for /.well-known/matrix/client. By default http.public_base_url.',
    examples: ['https://matrix.example.org'],
  }),
  federation_address: serverName.exactOptional().meta({
    description: 'Where other servers reach this server, for /.well-known/matrix/server.',
    examples: ['matrix.example.org:443'],
  }),
});

export const serverNames = z
  .array(serverNameEntry)
  .min(1)
  .superRefine((entries, { addIssue }) => {
    const names = entries.map(({ name }) => name);
    names.forEach((name, i) => {
      if (names.indexOf(name) < i) addIssue(contradiction(`${name} is in the list twice`, i, 'name'));
    });
  })
  .describe('The server names that this deployment hosts. Every user belongs to one of them.');
