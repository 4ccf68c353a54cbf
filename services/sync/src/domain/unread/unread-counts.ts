import { MAIN_TIMELINE } from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import type { ReadModel } from '../ports/read-model.js';
import type { ThreadSubscriptionModel } from '../ports/thread-subscription-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import type { RoomView } from '../views/room-view.js';
import type { RoomMembership, UserView } from '../views/user-view.js';
import { USUAL_RULES } from '../views/usual-rules.js';
import { displayNameIn, type Evaluated, Evaluations, ownVerdict, usualVerdict } from './evaluations.js';
import type { Notice } from './notice.js';
import { NoticeBoard } from './notice-board.js';

export interface Counts {
  notifications: number;
  highlights: number;
}

/** The counts of each thread that has any, `main` among them. */
export type UnreadThreads = ReadonlyMap<string, Readonly<Counts>>;

/** What was counted for one user in one room, to go on from. */
interface Tally {
  readonly board: NoticeBoard;
  readonly removals: number;
  readonly marksVersion: number;
  readonly ignored: ReadonlySet<string>;
  /** Of the threads that make a difference, those that they follow. */
  readonly followed: ReadonlySet<string>;
  /** What came before does not count. */
  readonly since: number;
  /** Everything up to this position is in the counts. */
  upTo: number;
  readonly threads: Map<string, Counts>;
}

const NONE: ReadonlySet<string> = new Set();
/** Notices, over all boards; each is about two hundred bytes. */
const MAX_NOTICES = 200_000;

/**
 * Counts what users have not read. One board serves all who have the usual rules in a room; who has changed rules has
 * boards of their own. An event is held against the rules once, when it is new; a count adds what is new on the board, and
 * begins again above the user's receipts when they have read on.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
 */
export class UnreadCounts {
  #evaluations = new Evaluations();
  readonly #boards = new LRUCache<string, NoticeBoard>({
    maxSize: MAX_NOTICES,
    sizeCalculation: (board) => board.size + 10,
  });
  readonly #tallies = new WeakMap<UserView, Map<number, Tally>>();

  constructor(
    private readonly model: ReadModel,
    private readonly texts: EventTexts,
    /** Where it makes a difference which threads users follow. */
    private readonly threads: Pick<ThreadSubscriptionModel, 'followed'> | undefined,
  ) {}

  clear(): void {
    this.#evaluations = new Evaluations();
    this.#boards.clear();
  }

  async count(user: UserView, membership: RoomMembership, view: RoomView, upTo: number): Promise<UnreadThreads> {
    const { marks } = membership;
    const since = Math.max(marks.unthreaded, membership.since);
    const { key, board } = this.#boardFor(user, view);
    await board.extend(view);
    await board.reach(since, view);
    const followed = await this.#followed(user, view, board.between(since, upTo));
    // Its size has changed, which the cache does not notice of a value that it has.
    this.#boards.delete(key);
    this.#boards.set(key, board);
    return this.#tally(user, membership, { board, since, upTo, followed });
  }

  /** Asked for anew each time: at any replica, what they follow counts from their next answer on. */
  async #followed(user: UserView, { record }: RoomView, notices: readonly Notice[]): Promise<ReadonlySet<string>> {
    const rootIds = this.threads && notices.flatMap(({ followed, threadId }) => (followed ? [threadId] : []));
    if (rootIds === undefined || rootIds.length === 0) return NONE;
    return this.threads!.followed(user.userId, record.roomId, [...new Set(rootIds)]);
  }

  #tally(user: UserView, membership: RoomMembership, counted: Pick<Tally, 'board' | 'since' | 'upTo' | 'followed'>) {
    const { board, since, upTo, followed } = counted;
    const { record } = membership.room;
    const tallies = this.#tallies.get(user) ?? new Map<number, Tally>();
    this.#tallies.set(user, tallies);
    const known = tallies.get(record.nid);
    const fits = known?.since === since && goesOn(known, user, membership, counted);
    // An answer as of an earlier position than another one that is under way.
    if (fits && known.upTo > upTo) return addUp(new Map(), board.between(since, upTo), user, membership, followed);
    const tally = fits ? known : newTally(user, membership, counted);
    addUp(tally.threads, board.between(tally.upTo, upTo), user, membership, followed);
    tally.upTo = Math.max(tally.upTo, upTo);
    tallies.set(record.nid, tally);
    return tally.threads;
  }

  #boardFor(user: UserView, view: RoomView): { key: string; board: NoticeBoard } {
    const { userId, pushRules: rules } = user;
    const usual = rules === USUAL_RULES;
    const key = usual ? `${view.record.nid}` : `${view.record.nid} ${userId} ${user.pushRulesPosition}`;
    const known = this.#boards.get(key);
    if (known?.follows(view)) return { key, board: known };
    const { model, texts } = this;
    const reader = { userId, rules };
    const byThread = this.threads !== undefined;
    const verdicts = async (now: RoomView) => {
      if (usual) return (evaluated: Evaluated) => usualVerdict(evaluated, byThread);
      const displayName = await displayNameIn(model, texts, now, userId);
      return (evaluated: Evaluated) => ownVerdict(evaluated, { ...reader, displayName }, byThread);
    };
    const board = new NoticeBoard(view, { model, texts, evaluations: this.#evaluations, isUsual: usual, verdicts });
    return { key, board };
  }
}

function newTally(
  { ignored }: UserView,
  { marks }: RoomMembership,
  { board, since, followed }: Pick<Tally, 'board' | 'since' | 'followed'>,
): Tally {
  const { removals } = board;
  return { board, removals, marksVersion: marks.version, ignored, followed, since, upTo: since, threads: new Map() };
}

/** Whether what was counted still holds. */
function goesOn(
  tally: Tally,
  { ignored }: UserView,
  { marks }: RoomMembership,
  { board, followed }: Pick<Tally, 'board' | 'followed'>,
): boolean {
  const sameBoard = tally.board === board && tally.removals === board.removals;
  const sameThreads = tally.followed.symmetricDifference(followed).size === 0;
  return sameBoard && sameThreads && tally.marksVersion === marks.version && tally.ignored === ignored;
}

function addUp(
  threads: Map<string, Counts>,
  notices: readonly Notice[],
  { userId, ignored }: UserView,
  { marks }: RoomMembership,
  followed: ReadonlySet<string>,
): UnreadThreads {
  for (const notice of notices) {
    const { threadId, sender, isState, position, mentions } = notice;
    const { notifies, highlights } = followed.has(threadId) ? (notice.followed ?? notice) : notice;
    if (sender === userId) threads.delete(threadId);
    if (sender === userId || (!isState && ignored.has(sender)) || position <= marks.readUpTo(threadId)) continue;
    const mentioned = mentions?.has(userId) ?? false;
    if (!notifies && !mentioned) continue;
    const counts = threads.get(threadId) ?? { notifications: 0, highlights: 0 };
    threads.set(threadId, counts);
    counts.notifications += 1;
    if (highlights || mentioned) counts.highlights += 1;
  }
  return threads;
}

/** The counts as parts of `rooms.join`: of each thread for itself, or of all in one. */
export function unreadText(threads: UnreadThreads, byThread: boolean): string {
  if (!byThread) return `"unread_notifications":${countsText(sum([...threads.values()]))}`;
  const main = `"unread_notifications":${countsText(threads.get(MAIN_TIMELINE) ?? sum([]))}`;
  const others = [...threads].filter(([threadId]) => threadId !== MAIN_TIMELINE);
  if (others.length === 0) return main;
  const texts = others.map(([threadId, counts]) => `${JSON.stringify(threadId)}:${countsText(counts)}`);
  return `${main},"unread_thread_notifications":{${texts.join(',')}}`;
}

function sum(all: readonly Counts[]): Counts {
  return {
    notifications: all.reduce((total, { notifications }) => total + notifications, 0),
    highlights: all.reduce((total, { highlights }) => total + highlights, 0),
  };
}

function countsText({ notifications, highlights }: Counts): string {
  return `{"notification_count":${notifications},"highlight_count":${highlights}}`;
}
