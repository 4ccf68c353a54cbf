import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export const TOOLS = join(ROOT, '.tools');
export const TOOL_MODULES = join(TOOLS, 'node_modules');
export const MODULES = join(ROOT, 'node_modules');
