/** What one process has told at one time. */
export interface Scrape {
  /** In milliseconds. */
  readonly at: number;
  /** What Prometheus knows of the process by itself. */
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
}

export type Labels = Readonly<Record<string, string>>;

/** The series of each metric, with the labels that Prometheus gives them. */
export type Told = ReadonlyMap<string, readonly Labels[]>;

/** A process to ask. */
export interface Target {
  readonly url: string;
  readonly labels: Labels;
}

/** Asks all of them, as at a time. */
export function scrapeAll(targets: readonly Target[], at = Date.now()): Promise<Scrape[]> {
  return Promise.all(
    targets.map(async ({ url, labels }) => ({ at, labels, text: await (await fetch(`${url}/metrics`)).text() })),
  );
}

/** Everything that was told in some scrape. */
export function toldIn(scrapes: readonly Scrape[]): Told {
  const told = new Map<string, Labels[]>();
  const add = (name: string, labels: Labels) => told.set(name, [...(told.get(name) ?? []), labels]);
  for (const { labels, text } of scrapes) {
    add('up', labels);
    for (const [, name, own = ''] of text.matchAll(/^([a-z0-9_]+)(?:\{([^}]*(?:"[^"]*"[^}]*)*)\})? /gm)) {
      add(name as string, { ...exported(labelsOf(own), labels), ...labels });
    }
  }
  return told;
}

function labelsOf(text: string): Labels {
  const pairs = [...text.matchAll(/([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
}

/** What a process calls as Prometheus calls something else. */
function exported(own: Labels, given: Labels): Labels {
  return Object.fromEntries(
    Object.entries(own).map(([name, value]) => [name in given ? `exported_${name}` : name, value]),
  );
}
