import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LoadedConfig } from './config-file.js';

/** What somebody who has just started a server wants to know. */
export function introduce(listening: readonly string[], { config, path }: LoadedConfig, cwd: string): string {
  const [server = ''] = listening;
  return `
Ganglion is ready.

  Listening      ${listening.join(', ')}
  Server name    ${config.server_names.map(({ name }) => name).join(', ')}
  Configuration  ${path ?? 'from the environment'}
  Data           ${config.data_dir}

  Make an account    ${createUserCommand(path, cwd)}
  Connect a client   give it ${config.http.public_base_url ?? server} as its homeserver, then log in with that account
  Stop               Ctrl-C

`;
}

function createUserCommand(path: string | undefined, cwd: string): string {
  const program = existsSync(join(cwd, 'ganglion')) ? './ganglion' : 'ganglion';
  const isFound = path === undefined || ['ganglion.yaml', 'data/ganglion.yaml'].includes(relative(cwd, path));
  return `${program} create-user alice${isFound ? '' : ` --config ${path}`}`;
}
