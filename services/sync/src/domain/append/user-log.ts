import type { UserChanges, UserLog } from '@ganglion/contracts/user';

const PAGE = 1_000;

/** The changes of a user after a number, a page at a time. Numbers that are not there were overtaken by later ones. */
export async function* readUserLog(log: UserLog, userId: string, afterSeq: number): AsyncGenerator<UserChanges> {
  for (let seq = afterSeq, more = true; more; ) {
    const page = await log.getUserChanges({ userId, afterSeq: seq, limit: PAGE });
    const last = page.changes?.changes.at(-1);
    if (page.changes === undefined || last === undefined) return;
    yield page.changes;
    seq = last.userSeq;
    more = page.more;
  }
}
