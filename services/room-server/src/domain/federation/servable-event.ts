import type { HistoryVisibility } from '@ganglion/protocol';
import type { EventStatus } from '../graph/event-graph.js';

/** An event as other servers may be given it, if they may see it. */
export interface ServableEvent {
  readonly nid: number;
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly status: EventStatus;
  readonly isState: boolean;
  /** Something has redacted it. */
  readonly isRedacted: boolean;
  readonly visibility: HistoryVisibility;
  readonly previousVisibility: HistoryVisibility | undefined;
  readonly stateBeforeNid: number | undefined;
  readonly stateAfterNid: number | undefined;
  readonly json: string;
}
