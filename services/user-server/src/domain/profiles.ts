import { MatrixError } from '@ganglion/contracts';
import { domainOf, isValidUserId, type JsonObject } from '@ganglion/protocol';
import { forbidden, missingParam, notFound } from './failures.js';
import type { LocalServers } from './local-servers.js';
import type { ProfileStore, Requester, RoomUpdates } from './ports.js';
import { checkFieldName, checkFieldValue, isRemoval, isShownInRooms } from './profile-fields.js';
import type { RemoteProfiles } from './remote-profiles.js';

const MAX_PROFILE_BYTES = 65_536;

/** What users say about themselves. @see https://spec.matrix.org/v1.19/client-server-api/#profiles */
export class Profiles {
  constructor(
    private readonly store: ProfileStore,
    private readonly roomUpdates: RoomUpdates | undefined,
    /** Of users of other servers. */
    private readonly remote: RemoteProfiles | undefined,
    private readonly servers: LocalServers,
  ) {}

  /** The whole profile as JSON text. @throws MatrixError M_NOT_FOUND */
  async get(userId: string): Promise<string> {
    return jsonObject(await this.#fields(userId));
  }

  /** One field as JSON text. @throws MatrixError M_NOT_FOUND */
  async getField(userId: string, name: string): Promise<string> {
    const value = (await this.#fields(userId)).get(name);
    if (value === undefined) throw notFound('The profile has no such field');
    return jsonObject([[name, value]]);
  }

  /**
   * Sets a field of the user's own profile; rooms hear of a new name or avatar.
   *
   * @throws MatrixError M_FORBIDDEN, M_GUEST_ACCESS_FORBIDDEN, M_MISSING_PARAM, M_INVALID_PARAM, M_KEY_TOO_LARGE,
   *   M_PROFILE_TOO_LARGE
   * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname
   */
  async setField(requester: Requester, userId: string, name: string, body: JsonObject): Promise<void> {
    checkMayChange(requester, userId, name);
    checkFieldName(name);
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    if (value === undefined) throw missingParam(`${name} is required`);
    checkFieldValue(name, value);
    if (isRemoval(name, value)) return this.#remove(userId, name);
    const field = { name, value: JSON.stringify(value), propagate: this.#propagates(name) };
    if (!(await this.store.set(userId, field, MAX_PROFILE_BYTES))) {
      throw new MatrixError(400, 'M_PROFILE_TOO_LARGE', 'A profile may not be larger than 64 KiB');
    }
    if (field.propagate) await this.roomUpdates?.deliver(userId);
  }

  /**
   * @throws MatrixError M_FORBIDDEN, M_GUEST_ACCESS_FORBIDDEN, M_INVALID_PARAM, M_KEY_TOO_LARGE
   * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname
   */
  async deleteField(requester: Requester, userId: string, name: string): Promise<void> {
    checkMayChange(requester, userId, name);
    checkFieldName(name);
    await this.#remove(userId, name);
  }

  async #remove(userId: string, name: string): Promise<void> {
    const propagate = this.#propagates(name);
    await this.store.remove(userId, { name, propagate });
    if (propagate) await this.roomUpdates?.deliver(userId);
  }

  #propagates(name: string): boolean {
    return this.roomUpdates !== undefined && isShownInRooms(name);
  }

  #isElsewhere(userId: string): boolean {
    return isValidUserId(userId) && !this.servers.has(domainOf(userId));
  }

  async #fields(userId: string): Promise<ReadonlyMap<string, string>> {
    const fields = this.#isElsewhere(userId) ? await this.remote?.get(userId) : await this.store.get(userId);
    if (fields === undefined) throw notFound('There is no such user');
    return fields;
  }
}

function checkMayChange(requester: Requester, userId: string, name: string): void {
  if (requester.userId !== userId) throw forbidden("You cannot change another user's profile");
  if (requester.guest && name !== 'displayname') {
    throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests can change nothing but their display name');
  }
}

function jsonObject(fields: Iterable<readonly [string, string]>): string {
  return `{${Array.from(fields, ([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}
