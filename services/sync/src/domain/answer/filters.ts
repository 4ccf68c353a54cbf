import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { Users } from '@ganglion/contracts/user';
import {
  type CompiledFilter,
  type CompiledRoomEventFilter,
  compileFilter,
  compileRoomEventFilter,
  type FilterLimits,
  ProtocolError,
  parseFilter,
  parseFilterJson,
  parseRoomEventFilterJson,
} from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';

const MAX_FILTERS = 10_000;

/** The filters of requests: stored ones by their id, which never change, or JSON in the request itself. */
export class Filters {
  readonly #stored = new LRUCache<string, CompiledFilter>({ maxSize: MAX_FILTERS, sizeCalculation: () => 1 });
  readonly #everything: CompiledFilter;

  constructor(
    private readonly users: Users,
    private readonly limits: FilterLimits,
  ) {
    this.#everything = compileFilter({}, limits);
  }

  /** @throws MatrixError M_INVALID_PARAM for JSON that is no filter, and for an unknown id */
  async ofSync(userId: string, filter: string | undefined): Promise<CompiledFilter> {
    if (filter === undefined) return this.#everything;
    if (filter.startsWith('{')) return invalidParam(() => compileFilter(parseFilterJson(filter), this.limits));
    const key = `${userId} ${filter}`;
    const known = this.#stored.get(key);
    if (known !== undefined) return known;
    const compiled = compileFilter(parseFilter(JSON.parse(await this.#find(userId, filter))), this.limits);
    this.#stored.set(key, compiled);
    return compiled;
  }

  /** The filter of /messages and /context, whose limit comes on top of theirs. @throws MatrixError M_INVALID_PARAM */
  ofRoom(filter: string | undefined): CompiledRoomEventFilter {
    const limits = { defaultLimit: Number.MAX_SAFE_INTEGER, maximumLimit: Number.MAX_SAFE_INTEGER };
    return invalidParam(() => compileRoomEventFilter(parseRoomEventFilterJson(filter ?? '{}'), limits));
  }

  async #find(userId: string, filterId: string): Promise<string> {
    try {
      return (await this.users.getFilter({ userId, filterId })).filterJson;
    } catch (error) {
      // A 404 would say that there is no such endpoint.
      if (!isMatrixError(error) || error.status !== 404) throw error;
      throw new MatrixError(400, 'M_INVALID_PARAM', 'filter: there is no such filter');
    }
  }
}

function invalidParam<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new MatrixError(400, 'M_INVALID_PARAM', `filter: ${error.message}`);
  }
}
