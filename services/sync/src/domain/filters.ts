import { MatrixError } from '@ganglion/contracts';
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
  parseRoomEventFilter,
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

  /** @throws MatrixError M_INVALID_PARAM for JSON that is no filter, M_NOT_FOUND for an unknown id */
  async ofSync(userId: string, filter: string | undefined): Promise<CompiledFilter> {
    if (filter === undefined) return this.#everything;
    if (filter.startsWith('{')) return invalidParam(() => compileFilter(parseFilterJson(filter), this.limits));
    const key = `${userId} ${filter}`;
    const known = this.#stored.get(key);
    if (known !== undefined) return known;
    const { filterJson } = await this.users.getFilter({ userId, filterId: filter });
    const compiled = compileFilter(parseFilter(JSON.parse(filterJson)), this.limits);
    this.#stored.set(key, compiled);
    return compiled;
  }

  /** The filter of /messages and /context. @throws MatrixError M_INVALID_PARAM */
  ofRoom(filter: string | undefined): CompiledRoomEventFilter {
    return invalidParam(() => compileRoomEventFilter(parseRoomEventFilter(JSON.parse(filter ?? '{}')), this.limits));
  }
}

function invalidParam<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof SyntaxError)) throw error;
    throw new MatrixError(400, 'M_INVALID_PARAM', `filter: ${error.message}`);
  }
}
