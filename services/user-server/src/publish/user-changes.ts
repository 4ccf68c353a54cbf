import type { UserChanges } from '@ganglion/contracts/user';

interface Change {
  readonly userSeq: number;
  readonly roomId: string;
  readonly type: string;
  readonly content: string;
}

/** Changes as the other services read them. */
export function userChangesOf(userId: string, changes: readonly Change[]): UserChanges {
  return {
    userId,
    changes: changes.map(({ userSeq, roomId, type, content }) => ({
      userSeq,
      accountData: { roomId, type, contentJson: content },
    })),
  };
}
