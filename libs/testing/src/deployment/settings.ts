import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigInput } from '@ganglion/config';
import { stringify } from 'yaml';

export type Settings = Partial<ConfigInput>;

/** Knows it, knows how to make accounts. */
export const SHARED_SECRET = 'only for tests and development';

/** Fast and open: cheap passwords, no rate limits, anybody may register. */
const UNHINDERED: Settings = {
  server_names: [{ name: 'localhost' }],
  http: { trusted_proxies: ['127.0.0.1'], drain_seconds: 5 },
  registration: { enabled: true, shared_secret: SHARED_SECRET },
  passwords: { argon2: { memory_kib: 8, passes: 1 } },
  rate_limits: { enabled: false },
  voip: { turn_uris: ['turn:localhost'], turn_shared_secret: SHARED_SECRET },
};

/** Writes the configuration that all processes of a deployment share and returns its path. */
export async function writeSettings(folder: string, settings: Settings): Promise<string> {
  const path = join(folder, 'ganglion.yaml');
  await writeFile(path, stringify(mergeSections({ data_dir: '.', ...UNHINDERED }, settings)), { mode: 0o600 });
  return path;
}

/** The settings of each section on top of those that are there. */
function mergeSections(base: Settings, settings: Settings): Settings {
  const merged = Object.entries(settings).map(([section, value]) => {
    const under = base[section as keyof Settings];
    const both = isMapping(under) && isMapping(value);
    return [section, both ? { ...under, ...value } : value];
  });
  return { ...base, ...Object.fromEntries(merged) };
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
