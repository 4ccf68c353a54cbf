import { z } from 'zod';
import { sections } from './sections/index.js';
import { serverNames } from './sections/server-names.js';
import { contradiction, path } from './values.js';

/** The shape of the configuration file. Keys that are not in it are refused. */
export const configSchema = z
  .strictObject({
    server_names: serverNames,
    data_dir: path.default('data').describe('Keys, the embedded PostgreSQL and whatever else is kept in files.'),
    ...sections,
  })
  .superRefine(({ email, registration, voip, http, server_names }, { addIssue }) => {
    const unreachable = server_names.find(({ client_base_url }) => !(client_base_url ?? http.public_base_url));
    if (email && unreachable) {
      const message = `links in e-mails would lead nowhere: set http.public_base_url, or client_base_url of ${unreachable.name}`;
      addIssue(contradiction(message, 'email'));
    }
    if (voip.turn_uris.length > 0 && voip.turn_shared_secret === undefined) {
      addIssue(contradiction('TURN servers let nobody in without turn_shared_secret', 'voip', 'turn_uris'));
    }
    if (registration.requires_email && !email) {
      addIssue(contradiction('no e-mail can be sent without the section email', 'registration', 'requires_email'));
    }
  });

type Parsed = z.output<typeof configSchema>;

/** One hosted server name; its signing key's place is always known. */
export type ServerNameConfig = Parsed['server_names'][number] & { signing_key_path: string };

/**
 * The configuration of a deployment, complete: defaults filled in, every path absolute, secrets read from their files.
 * Exactly one of `database.url` and `database.embedded` is set.
 */
export type Config = Omit<Parsed, 'server_names' | 'media'> & {
  server_names: [ServerNameConfig, ...ServerNameConfig[]];
  media: Parsed['media'] & { folder_dir: string };
};

/** What a configuration file, or code that stands in for one, may say. */
export type ConfigInput = z.input<typeof configSchema>;
