import type { Config } from '@ganglion/config';
import type { RateLimitDecision, RateLimitName, RefundingRateLimiter } from '@ganglion/contracts';
import type { Database, SchemaDefinition } from '@ganglion/database';

/** Rate limits live in an unlogged table: losing them in a crash of PostgreSQL harms nobody. */
export const rateLimitSchema: SchemaDefinition = {
  schema: 'rate_limits',
  version: 1,
  oldestCompatible: 1,
  migrations: [
    {
      version: 1,
      name: 'buckets',
      up: `CREATE UNLOGGED TABLE rate_limits.buckets (
             key text PRIMARY KEY,
             full_at_ms double precision NOT NULL,
             step_ms double precision NOT NULL,
             reach_ms double precision NOT NULL,
             allowed boolean NOT NULL
           )`,
    },
  ],
};

/** When the statement came: one time for all that it does. */
const NOW_MS = 'extract(epoch FROM statement_timestamp())::float8 * 1000';

/**
 * The generic cell rate algorithm for many keys in one statement. `full_at_ms` is when the bucket will have drained; uses add
 * a step each and are allowed while it stays within reach of now. What is refused changes nothing. No cost is beyond reach.
 */
const TAKE = `
  INSERT INTO rate_limits.buckets AS bucket (key, full_at_ms, step_ms, reach_ms, allowed)
  SELECT key, ${NOW_MS} + cost, step, reach, true
  FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[]) AS used(key, step, reach, cost)
  ORDER BY key
  ON CONFLICT (key) DO UPDATE SET
    allowed = bucket.full_at_ms + (excluded.full_at_ms - ${NOW_MS}) <= ${NOW_MS} + excluded.reach_ms,
    full_at_ms = CASE
      WHEN bucket.full_at_ms + (excluded.full_at_ms - ${NOW_MS}) <= ${NOW_MS} + excluded.reach_ms
      THEN greatest(bucket.full_at_ms + (excluded.full_at_ms - ${NOW_MS}), excluded.full_at_ms)
      ELSE bucket.full_at_ms END,
    step_ms = excluded.step_ms,
    reach_ms = excluded.reach_ms
  RETURNING key, allowed, full_at_ms - ${NOW_MS} AS full_in_ms`;

const GIVE_BACK = 'UPDATE rate_limits.buckets SET full_at_ms = full_at_ms - step_ms * $2 WHERE key = $1';

const FORGET = `DELETE FROM rate_limits.buckets
  WHERE full_at_ms < extract(epoch FROM clock_timestamp())::float8 * 1000 - 60000`;
const FORGET_EVERY_MS = 600_000;

interface Use {
  readonly key: string;
  readonly stepMs: number;
  readonly reachMs: number;
  readonly costMs: number;
  readonly resolve: (decision: RateLimitDecision) => void;
  readonly reject: (error: unknown) => void;
}

interface Decided extends Record<string, unknown> {
  readonly key: string;
  readonly allowed: boolean;
  readonly full_in_ms: number;
}

const ALLOWED: RateLimitDecision = { allowed: true, retryAfterMs: 0 };
const NEVER: RateLimitDecision = { allowed: false, retryAfterMs: Infinity };

/** Rate limits that hold over all replicas and restarts. What arrives while a statement runs goes into the next one. */
export class PostgresRateLimiter implements RefundingRateLimiter {
  #waiting: Use[] = [];
  #running = false;
  #forgetting: NodeJS.Timeout | undefined;

  constructor(
    private readonly db: Database,
    private readonly config: Config['rate_limits'],
  ) {}

  start(): void {
    this.#forgetting = setInterval(() => void this.db.query({ text: FORGET }).catch(() => {}), FORGET_EVERY_MS);
    this.#forgetting.unref();
  }

  stop(): void {
    clearInterval(this.#forgetting);
  }

  take(name: RateLimitName, key: string, uses = 1): Promise<RateLimitDecision> {
    if (!this.config.enabled) return Promise.resolve(ALLOWED);
    const { per_second, burst } = this.config[name];
    if (uses > burst) return Promise.resolve(NEVER);
    const stepMs = 1000 / per_second;
    const use = { key: `${name}:${key}`, stepMs, reachMs: stepMs * burst, costMs: stepMs * uses };
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...use, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async giveBack(name: RateLimitName, key: string, uses = 1): Promise<void> {
    if (!this.config.enabled) return;
    await this.db.query({ name: 'give-back', text: GIVE_BACK, values: [`${name}:${key}`, uses] });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) await this.#decide(this.#nextUses());
    this.#running = false;
  }

  /** One use of each key: a statement may touch a row only once. The others wait for the next statement. */
  #nextUses(): Map<string, Use> {
    const uses = new Map<string, Use>();
    const later: Use[] = [];
    for (const use of this.#waiting) {
      if (uses.has(use.key)) later.push(use);
      else uses.set(use.key, use);
    }
    this.#waiting = later;
    return uses;
  }

  async #decide(uses: Map<string, Use>): Promise<void> {
    const all = [...uses.values()];
    const values = [
      all.map((use) => use.key),
      all.map((use) => use.stepMs),
      all.map((use) => use.reachMs),
      all.map((use) => use.costMs),
    ];
    try {
      const { rows } = await this.db.query<Decided>({ name: 'take-rate-limits', text: TAKE, values });
      for (const row of rows) decide(uses.get(row.key) as Use, row);
    } catch (error) {
      for (const use of all) use.reject(error);
    }
  }
}

function decide({ costMs, reachMs, resolve }: Use, { allowed, full_in_ms }: Decided): void {
  resolve(allowed ? ALLOWED : { allowed, retryAfterMs: Math.max(1, Math.ceil(full_in_ms + costMs - reachMs)) });
}
