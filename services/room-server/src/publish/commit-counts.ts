import { domainOf } from '@ganglion/protocol';
import type { Counter, Metrics } from '@ganglion/telemetry';
import type { EventStatus } from '../domain/graph/event-graph.js';
import type { CommitListener, RoomCommit } from '../domain/ports/rooms.js';

const STATUSES = ['accepted', 'rejected', 'soft-failed', 'outlier', 'waiting'] satisfies EventStatus[];

/** Counts the events of rooms, and passes on what was committed. */
export class CommitCounts implements CommitListener {
  readonly #events: Counter;

  constructor(
    metrics: Metrics,
    private readonly serverNames: readonly string[],
    private readonly next: CommitListener,
  ) {
    this.#events = metrics.counter({
      name: 'ganglion_room_events_total',
      help: 'Events that rooms have got, by whose users they are of and by what became of them.',
      labels: { of: ['us', 'others'], status: STATUSES },
    });
  }

  committed(commit: RoomCommit): void {
    for (const { event, status } of commit.events) {
      const of = this.serverNames.includes(domainOf(event.pdu.sender)) ? 'us' : 'others';
      this.#events.inc({ of, status });
    }
    this.next.committed(commit);
  }
}
