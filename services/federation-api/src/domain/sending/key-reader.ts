import type { DeviceUpdate, GetListUpdatesResponse, KeyHead, KeyLog, KeysForServers } from '@ganglion/contracts/keys';
import type { RoomIntake } from '@ganglion/contracts/room';
import { domainOf } from '@ganglion/protocol';
import type { OutgoingEdu, ReadKeys, Route, SentKeys } from '../ports/sending.js';

export interface KeyReaderDependencies {
  readonly keyLog: Pick<KeyLog, 'listKeyHeads'>;
  readonly keys: Pick<KeysForServers, 'getListUpdates'>;
  readonly intake: Pick<RoomIntake, 'listServersOfUser'>;
  readonly sent: SentKeys;
  readonly isOurs: (serverName: string) => boolean;
  readonly allows: (serverName: string) => boolean;
}

const USERS_A_PAGE = 500;
/** The second one is that of before it was part of the specification, which others still go by. */
const SIGNING_KEY_UPDATES = ['m.signing_key_update', 'org.matrix.signing_key_update'];

/**
 * Reads what is new in the log of keys and queues what the servers that share a room with a user have to hear of.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class KeyReader {
  #cursor: number | undefined;

  constructor(private readonly deps: KeyReaderDependencies) {}

  /** Begins where whoever read before has ended. */
  begin(): void {
    this.#cursor = undefined;
  }

  /** Reads to the end of the log. Resolves with whether there was something in it. */
  async read(signal: AbortSignal): Promise<boolean> {
    this.#cursor ??= await this.deps.sent.cursor();
    const isFirst = this.#cursor === undefined;
    let next: number | undefined;
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page = { sinceCursor: this.#cursor ?? 0, afterUser, limit: USERS_A_PAGE };
      const { heads, cursor, nextUser } = await this.deps.keyLog.listKeyHeads(page);
      next ??= cursor;
      afterUser = nextUser;
      const ours = heads.filter(({ userId }) => this.deps.isOurs(domainOf(userId)));
      // Whoever wanted to know of what was before has asked.
      if (isFirst)
        await this.deps.sent.skip(ours.map(({ userId, seq: keySeq }) => ({ userId, keySeq, streamId: undefined })));
      else await this.#readUsers(ours);
      if (signal.aborted) return true;
    }
    if (next === undefined || next === this.#cursor) return false;
    await this.deps.sent.saveCursor(next);
    this.#cursor = next;
    return true;
  }

  async #readUsers(heads: readonly KeyHead[]): Promise<void> {
    const known = await this.deps.sent.read(heads.map(({ userId }) => userId));
    for (const { userId, seq } of heads) {
      const read = known.get(userId) ?? { userId, keySeq: 0, streamId: undefined };
      if (read.keySeq < seq) await this.#readUser(read);
    }
  }

  async #readUser({ userId, keySeq, streamId }: ReadKeys): Promise<void> {
    const updates = await this.deps.keys.getListUpdates({ userId, afterSeq: keySeq });
    const routes =
      updates.devices.length > 0 || updates.signingKeysJson !== undefined ? await this.#routes(userId) : [];
    const last = updates.devices.at(-1)?.streamId ?? streamId;
    await this.deps.sent.append(
      { userId, keySeq: updates.seq, streamId: last },
      [...deviceUpdates(userId, streamId, updates.devices), ...signingKeyUpdates(userId, updates)].map((edu) => ({
        ...edu,
        routes,
      })),
    );
  }

  async #routes(userId: string): Promise<Route[]> {
    const { serverNames } = await this.deps.intake.listServersOfUser({ userId });
    const others = serverNames.filter((name) => !this.deps.isOurs(name) && this.deps.allows(name));
    return others.map((server) => ({ server, origin: domainOf(userId) }));
  }
}

/** As whoever came to share a room with the user was told of them when there was nothing to tell yet. */
const NOTHING = 0;

type Unaddressed = Omit<OutgoingEdu, 'routes'>;

/** Each names the one before it, so that whoever has missed one notices. */
function deviceUpdates(userId: string, lastId: number | undefined, devices: readonly DeviceUpdate[]): Unaddressed[] {
  let before = lastId;
  return devices.map(({ streamId, deviceId, keysJson, displayName, keyless }) => {
    const content = {
      ...{ user_id: userId, device_id: deviceId, stream_id: streamId, prev_id: [before ?? NOTHING] },
      ...(keysJson !== undefined && { keys: JSON.parse(keysJson) as object }),
      ...(keysJson === undefined && keyless !== true && { deleted: true }),
      ...(displayName !== undefined && { device_display_name: displayName }),
    };
    before = streamId;
    return { subject: `devices ${userId}`, json: JSON.stringify({ edu_type: 'm.device_list_update', content }) };
  });
}

function signingKeyUpdates(userId: string, { signingKeysJson }: GetListUpdatesResponse): Unaddressed[] {
  if (signingKeysJson === undefined) return [];
  const content = { user_id: userId, ...(JSON.parse(signingKeysJson) as object) };
  return SIGNING_KEY_UPDATES.map((edu_type) => ({
    ...{ subject: `${edu_type} ${userId}`, json: JSON.stringify({ edu_type, content }) },
  }));
}
