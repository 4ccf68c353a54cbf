import { domainOf } from '@ganglion/protocol';
import { AskingAgain } from './asking-again.js';
import type { AskedList, RemoteListState, RemoteListStore, RemoteServers, SharedRooms, UserKeys } from './ports.js';
import { askServers, type ServerFailures } from './remote-answers.js';
import { readRemoteUser } from './remote-keys.js';

export interface RemoteListsDependencies {
  readonly store: RemoteListStore;
  readonly servers: RemoteServers;
  readonly rooms: SharedRooms;
  /** How long after each failure a server is asked again in the background, in milliseconds. */
  readonly askAgainAfterMs?: readonly number[] | undefined;
  readonly logger: { warn(fields: object, message: string): void };
}

/** What was found out about users of other servers. */
export interface RemoteLists {
  /** Those whose lists are kept and answered: as their servers have them, or as they had them before, where a server could not be asked. */
  readonly kept: readonly string[];
  /** Those whose servers were asked. */
  readonly asked: ReadonlyMap<string, UserKeys>;
  readonly failures: ServerFailures;
}

/** A list that is to be asked for; with evidence it may be kept. */
type WantedList = Omit<AskedList, 'keys'>;

/** Whoever asks goes on when they have waited as long as they want to; what comes after that is kept for the next one. */
const LONGEST_MS = 30_000;
const USERS_A_REQUEST = 250;

/**
 * The device lists of users of other servers. One is kept for as long as its server tells us of changes, which is while the user
 * and one of ours are in a room together: so each question first looks whether that was so all the time since the list was
 * asked for, and whether a change was heard of meanwhile.
 */
export class RemoteDeviceLists {
  /** Lists that this replica is asking for, by user and by the last change that was heard of. */
  readonly #asking = new Map<string, Promise<UserKeys>>();
  /** What came since each question that is under way has begun to look: it may not have seen that it is kept. */
  readonly #since = new Set<Map<string, Promise<UserKeys>>>();

  readonly #later: AskingAgain;

  constructor(private readonly deps: RemoteListsDependencies) {
    this.#later = new AskingAgain({
      ...{ logger: deps.logger, delaysMs: deps.askAgainAfterMs },
      ask: async (server, userIds) => !Object.hasOwn((await this.find(userIds, LONGEST_MS, false)).failures, server),
    });
  }

  /** Never fails: for servers that do not answer in time there is a failure, and what is kept of them is answered, and asked for again later. */
  async find(userIds: readonly string[], timeoutMs: number, asksLater = true): Promise<RemoteLists> {
    if (userIds.length === 0) return { kept: [], asked: new Map(), failures: {} };
    const came = new Map<string, Promise<UserKeys>>();
    this.#since.add(came);
    try {
      return await this.#find(userIds, timeoutMs, came, asksLater);
    } finally {
      this.#since.delete(came);
    }
  }

  async #find(
    userIds: readonly string[],
    timeoutMs: number,
    came: ReadonlyMap<string, Promise<UserKeys>>,
    asksLater: boolean,
  ): Promise<RemoteLists> {
    const states = await this.deps.store.states(userIds);
    const evidence = await this.#evidence(states);
    const isKept = (state: RemoteListState) =>
      state.keptSeq === state.heardSeq && evidence.get(state.userId) === state.evidence;
    const kept = states.filter(isKept).map(({ userId }) => userId);
    const wanted = states
      .filter((state) => !isKept(state))
      .map(({ userId, heardSeq }) => ({ userId, heardSeq, evidence: evidence.get(userId) ?? '' }));
    const byServer = Map.groupBy(wanted, ({ userId }) => domainOf(userId));
    const { answers, failures } = await askServers(byServer, timeoutMs, (server, lists) =>
      this.#askFor(server, lists, came),
    );
    const asked = new Map(answers.flatMap(({ answer }) => [...answer]));
    const failed = states.filter(({ userId }) => Object.hasOwn(failures, domainOf(userId)) && !asked.has(userId));
    // What is known of a change may be old, but who encrypts for nobody cannot be read at all.
    const stale = failed.filter(({ keptSeq, userId, evidence: known }) => {
      return keptSeq !== undefined && known !== '' && evidence.get(userId) === known;
    });
    if (asksLater) {
      const ofServers = Map.groupBy(stale, ({ userId }) => domainOf(userId));
      for (const [server, lists] of ofServers) this.#later.add(server, lists.map(userOf));
    }
    return { kept: [...kept, ...stale.map(userOf)], asked, failures };
  }

  stop(): void {
    this.#later.stop();
  }

  /** Where that cannot be found out, the servers are asked. */
  async #evidence(states: readonly RemoteListState[]): Promise<ReadonlyMap<string, string>> {
    try {
      return await this.deps.rooms.evidence(states);
    } catch (error) {
      this.deps.logger.warn({ err: error }, 'who shares a room with users of other servers is not known');
      return new Map();
    }
  }

  async #askFor(
    server: string,
    lists: readonly WantedList[],
    came: ReadonlyMap<string, Promise<UserKeys>>,
  ): Promise<Map<string, UserKeys>> {
    const answerTo = (list: WantedList) => this.#asking.get(keyOf(list)) ?? came.get(keyOf(list));
    const left = lists.filter((list) => answerTo(list) === undefined);
    for (let first = 0; first < left.length; first += USERS_A_REQUEST) {
      this.#begin(server, left.slice(first, first + USERS_A_REQUEST));
    }
    const found = lists.map(async (list) => [list.userId, await answerTo(list)!] as const);
    return new Map(await Promise.all(found));
  }

  #begin(server: string, lists: readonly WantedList[]): void {
    const answer = this.#ask(server, lists);
    // One user after the other: what a server says of thousands of devices takes its time.
    let earlier: Promise<unknown> = answer;
    for (const list of lists) {
      const key = keyOf(list);
      const asking = earlier.then(async () => {
        const found = await readRemoteUser(list.userId, await answer);
        await this.#keep({ ...list, keys: found });
        return found;
      });
      earlier = asking.catch(() => undefined);
      this.#asking.set(key, asking);
      const forget = () => void this.#asking.delete(key);
      const tell = () => {
        forget();
        if (list.evidence !== '') for (const came of this.#since) came.set(key, asking);
      };
      asking.then(tell, forget);
    }
  }

  async #ask(server: string, lists: readonly WantedList[]) {
    const kept = lists.filter(({ evidence }) => evidence !== '').map(({ userId }) => userId);
    if (kept.length > 0) await this.deps.store.begin(kept);
    const userIds = lists.map(({ userId }) => userId);
    return this.deps.servers.queryKeys(server, userIds, LONGEST_MS);
  }

  /** What cannot be kept is asked for again. */
  async #keep(list: AskedList): Promise<void> {
    if (list.evidence === '') return;
    await this.deps.store.keep(list).catch((error: unknown) => {
      this.deps.logger.warn({ err: error, user_id: list.userId }, 'the devices of a remote user could not be kept');
    });
  }
}

function userOf({ userId }: { readonly userId: string }): string {
  return userId;
}

function keyOf({ userId, heardSeq, evidence }: WantedList): string {
  return JSON.stringify([userId, heardSeq, evidence]);
}
