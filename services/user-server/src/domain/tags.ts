import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import type { AccountData } from './account-data.js';
import { badJson, invalidParam } from './failures.js';
import type { Requester } from './ports.js';

const MAX_TAG_BYTES = 255;

/** The rooms of one user, of which they keep tags in the account data. */
export interface TaggedRoom {
  readonly userId: string;
  readonly roomId: string;
}

/** What users sort their rooms by. @see https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
export class Tags {
  constructor(private readonly accountData: AccountData) {}

  /** The content of each tag, by its name. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
  async list(requester: Requester, room: TaggedRoom): Promise<JsonObject> {
    return tagsOf(await this.accountData.read(requester, keyOf(room)));
  }

  /** @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_BAD_JSON, M_TOO_LARGE */
  async set(requester: Requester, room: TaggedRoom, tag: string, content: JsonObject): Promise<void> {
    if (tag === '' || Buffer.byteLength(tag) > MAX_TAG_BYTES) throw invalidParam('A tag has 1 to 255 bytes');
    const { order } = content;
    if (order !== undefined && typeof order !== 'number') throw badJson('order must be a number');
    await this.accountData.change(requester, keyOf(room), (stored) => ({
      ...stored,
      tags: Object.fromEntries([...Object.entries(tagsOf(stored)), [tag, content]]),
    }));
  }

  /** Takes a tag away; what there is not stays so. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
  async delete(requester: Requester, room: TaggedRoom, tag: string): Promise<void> {
    await this.accountData.change(requester, keyOf(room), (stored) => {
      const others = Object.entries(tagsOf(stored)).filter(([name]) => name !== tag);
      if (others.length === Object.keys(tagsOf(stored)).length) return undefined;
      return { ...stored, tags: Object.fromEntries(others) };
    });
  }
}

const keyOf = ({ userId, roomId }: TaggedRoom) => ({ userId, roomId, type: 'm.tag' });

/** Clients may have put anything there. */
function tagsOf({ tags }: JsonObject): JsonObject {
  return isJsonObject(tags) ? tags : {};
}
