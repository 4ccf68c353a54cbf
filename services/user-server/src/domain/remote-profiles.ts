import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import type { ProfilesElsewhere } from './ports.js';
import { checkFieldName, checkFieldValue } from './profile-fields.js';

/** What somebody sees is at most so old. */
const KEPT_MS = 2 * 60_000;
/** Whoever asks for a user of a server that is down does not wait for it each time. */
const FAILURE_KEPT_MS = 15_000;
const MOST_BYTES_KEPT = 16 * 1_048_576;
const MOST_BYTES = 65_536;

/** Fields by their names as JSON text, or why there are none. */
type Found = { readonly fields: ReadonlyMap<string, string> } | { readonly failure: MatrixError };

/** The profiles of users of other servers, which their servers are asked for. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile */
export class RemoteProfiles {
  readonly #known = new LRUCache<string, Found>({
    maxSize: MOST_BYTES_KEPT,
    sizeCalculation: (found) => 500 + ('fields' in found ? sizeOf(found.fields) : 0),
    ttl: KEPT_MS,
    fetchMethod: async (userId, _, { options }) => {
      const found = await this.#ask(userId);
      if ('failure' in found) options.ttl = FAILURE_KEPT_MS;
      return found;
    },
  });

  constructor(private readonly elsewhere: ProfilesElsewhere) {}

  /** The fields of the profile, by name, as JSON text. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  async get(userId: string): Promise<ReadonlyMap<string, string>> {
    const found = await this.#known.forceFetch(userId);
    if ('fields' in found) return found.fields;
    const { status, errcode, message } = found.failure;
    throw new MatrixError(status, errcode, message);
  }

  async #ask(userId: string): Promise<Found> {
    try {
      return { fields: fieldsOf(await this.elsewhere.profile(userId)) };
    } catch (error) {
      if (isMatrixError(error)) return { failure: error };
      throw error;
    }
  }
}

/** What could not be a field of one of ours is left out. */
function fieldsOf(profile: JsonObject): Map<string, string> {
  const fields = new Map<string, string>();
  let left = MOST_BYTES;
  for (const [name, value] of Object.entries(isJsonObject(profile) ? profile : {})) {
    if (value === undefined || !isField(name, value)) continue;
    const text = JSON.stringify(value);
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(text);
    if (bytes > left) continue;
    left -= bytes;
    fields.set(name, text);
  }
  return fields;
}

function isField(name: string, value: unknown): boolean {
  try {
    checkFieldName(name);
    checkFieldValue(name, value);
    return true;
  } catch (error) {
    if (isMatrixError(error)) return false;
    throw error;
  }
}

function sizeOf(fields: ReadonlyMap<string, string>): number {
  return [...fields].reduce((sum, [name, text]) => sum + name.length + text.length, 0);
}
