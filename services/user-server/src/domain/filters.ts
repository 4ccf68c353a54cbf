import { createHash } from 'node:crypto';
import { CanonicalJsonError, canonicalJsonString, InvalidFilterError, parseFilter } from '@ganglion/protocol';
import { badJson, forbidden, notFound } from './failures.js';
import type { FilterStore, Requester } from './ports.js';

/** Stored filters. @see https://spec.matrix.org/v1.19/client-server-api/#filtering */
export class Filters {
  constructor(private readonly store: FilterStore) {}

  /**
   * Stores a filter; its id follows from what it says, so the same filter always has the same id.
   *
   * @throws MatrixError M_FORBIDDEN, M_BAD_JSON
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
   */
  async define(requester: Requester, userId: string, filter: unknown): Promise<string> {
    checkOwner(requester, userId);
    const definition = canonicalDefinition(filter);
    const filterId = createHash('sha256').update(definition).digest('base64url').slice(0, 22);
    await this.store.put(userId, filterId, definition);
    return filterId;
  }

  /** A filter as JSON text. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async get(requester: Requester, userId: string, filterId: string): Promise<string> {
    checkOwner(requester, userId);
    return this.find(userId, filterId);
  }

  /** As get, asked by a service that has made sure who asks. @throws MatrixError M_NOT_FOUND */
  async find(userId: string, filterId: string): Promise<string> {
    const definition = await this.store.get(userId, filterId);
    if (definition === undefined) throw notFound('There is no such filter');
    return definition;
  }
}

function canonicalDefinition(filter: unknown): string {
  try {
    return canonicalJsonString(parseFilter(filter) as never, { strict: false });
  } catch (error) {
    if (error instanceof InvalidFilterError || error instanceof CanonicalJsonError) throw badJson(error.message);
    throw error;
  }
}

function checkOwner(requester: Requester, userId: string): void {
  if (requester.userId !== userId) throw forbidden("You cannot use another user's filters");
}
