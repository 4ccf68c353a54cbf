import { createHash } from 'node:crypto';
import { isMatrixError } from '@ganglion/contracts';
import { type IdentityAgent, unreachable } from '@ganglion/identity';
import { isJsonObject, isValidUserId, type JsonObject } from '@ganglion/protocol';
import type { Address, AddressBook, IdentityAccount, StoredInvite } from '../domain/ports.js';

const V2 = '/_matrix/identity/v2';
const TOKEN = /^[0-9a-zA-Z.=_-]{1,255}$/;
const MAX_KEYS = 10;
const MAX_LENGTH = 1_000;

/**
 * Identity servers as those who know whose address is whose.
 *
 * @see https://spec.matrix.org/v1.19/identity-service-api/#association-lookup
 */
export class RemoteAddressBook implements AddressBook {
  constructor(private readonly agent: IdentityAgent) {}

  async lookUp(account: IdentityAccount, address: Address): Promise<string | undefined> {
    try {
      return await this.#lookUp(account, address);
    } catch (error) {
      // It has changed what addresses are hashed with, in between.
      if (!isMatrixError(error) || error.errcode !== 'M_INVALID_PEPPER') throw error;
      return this.#lookUp(account, address);
    }
  }

  async storeInvite(account: IdentityAccount, address: Address, about: JsonObject): Promise<StoredInvite> {
    const answer = await this.#must(account, 'POST', 'store-invite', { ...about, ...address });
    const { token, display_name: displayName, public_keys: keys } = answer;
    const publicKeys = Array.isArray(keys) ? keys.slice(0, MAX_KEYS).map(publicKeyOf) : [];
    const areKeys = publicKeys.length > 0 && publicKeys.every((key) => key !== undefined);
    if (typeof token !== 'string' || !TOKEN.test(token) || !isShort(displayName) || !areKeys) {
      throw unreachable(account.idServer);
    }
    return { token, displayName, publicKeys };
  }

  async #lookUp(account: IdentityAccount, { medium, address }: Address): Promise<string | undefined> {
    const { lookup_pepper: pepper, algorithms } = await this.#must(account, 'GET', 'hash_details');
    if (typeof pepper !== 'string' || !Array.isArray(algorithms)) throw unreachable(account.idServer);
    const isHashed = !algorithms.includes('none') || algorithms.includes('sha256');
    const asked = isHashed ? hashed(`${address} ${medium} ${pepper}`) : `${address} ${medium}`;
    const algorithm = isHashed ? 'sha256' : 'none';
    const answer = await this.#must(account, 'POST', 'lookup', { addresses: [asked], algorithm, pepper });
    const found = isJsonObject(answer.mappings) ? answer.mappings[asked] : undefined;
    return isValidUserId(found) ? found : undefined;
  }

  #must({ idServer, idAccessToken }: IdentityAccount, method: 'GET' | 'POST', path: string, body?: JsonObject) {
    const authorization = `Bearer ${idAccessToken}`;
    return this.agent.must(idServer, { method, path: `${V2}/${path}`, authorization, ...(body && { body }) });
  }
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function publicKeyOf(key: unknown) {
  if (!isJsonObject(key) || !isShort(key.public_key) || !isShort(key.key_validity_url)) return undefined;
  return { public_key: key.public_key, key_validity_url: key.key_validity_url };
}

/** Short enough to be part of an event, with others. */
function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_LENGTH;
}
