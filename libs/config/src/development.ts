import { parseConfig } from './load.js';
import type { Config } from './schema.js';

/** The configuration file that the first `npm start` writes; its `sharedSecret` is made then. */
export function developmentConfigText(sharedSecret: string): string {
  return `# Ganglion on one machine, for trying it out and for developing it.
# Every setting there is: deploy/ganglion.example.yaml. Check what you wrote: ./ganglion config check
# Paths are seen from the folder of this file.

server_names:
  # What follows the colon in user ids. To be reached by other servers it has to be a domain of yours.
  - name: localhost

data_dir: .

database:
  embedded: {}

bus:
  kind: embedded

http:
  listeners:
    - host: 127.0.0.1
      port: 8008

registration:
  # true: anybody may make an account. Otherwise: ./ganglion create-user
  enabled: false
  # Whoever knows this can make accounts, administrators too.
  shared_secret: ${JSON.stringify(sharedSecret)}

telemetry:
  log:
    format: text
`;
}

/** What `npm start` uses, with everything in `dataDir`. */
export function developmentConfig(dataDir: string, sharedSecret = 'development'): Config {
  return parseConfig(developmentConfigText(sharedSecret), dataDir);
}
