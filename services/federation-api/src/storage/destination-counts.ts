import type { Database } from '@ganglion/database';
import type { Gauge, Metrics } from '@ganglion/telemetry';

const COUNT = `
  SELECT (count(*) FILTER (WHERE failing_since IS NOT NULL))::integer AS away,
    (count(*) FILTER (WHERE failing_since IS NULL))::integer AS waiting
  FROM federation_api.destinations WHERE has_work OR failing_since IS NOT NULL`;

/** Tells operators how many servers there are that have not got everything. One replica does it for all. */
export class DestinationCounts {
  readonly #destinations: Gauge;

  constructor(
    private readonly db: Database,
    metrics: Metrics,
  ) {
    this.#destinations = metrics.gauge({
      name: 'ganglion_federation_destinations',
      help: 'Servers for which something waits, and servers that could not be reached the last time, as the replica knows that sends.',
      labels: { state: ['waiting', 'away'] },
    });
  }

  async count(): Promise<void> {
    const { rows } = await this.db.query<{ waiting: number; away: number }>({
      name: 'count-destinations',
      text: COUNT,
      values: [],
    });
    this.#tell(rows[0] ?? { waiting: 0, away: 0 });
  }

  /** Another replica counts from now on. */
  end(): void {
    this.#tell({ waiting: 0, away: 0 });
  }

  #tell({ waiting, away }: { readonly waiting: number; readonly away: number }): void {
    this.#destinations.set(waiting, { state: 'waiting' });
    this.#destinations.set(away, { state: 'away' });
  }
}
