/** Whose turn it is to fetch history of a room, of all replicas. */
export interface HistoryTurns {
  /** Takes the room for `holder`, unless somebody has it. */
  take(roomId: string, holder: string): Promise<boolean>;
  /** Leaves it to whoever comes next. */
  end(roomId: string, holder: string): Promise<void>;
}
