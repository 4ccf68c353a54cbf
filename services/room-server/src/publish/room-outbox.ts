import type { OutgoingMessage } from '@ganglion/bus';
import { ROOM_EVENTS } from '@ganglion/contracts';
import type { RoomEvents } from '@ganglion/contracts/room';
import type { Outbox, OutboxStore } from '@ganglion/service';
import type { EventLog } from '../storage/event-log.js';
import type { RunLeftBehind } from '../storage/outbox-store.js';
import { splitRun } from './split-run.js';

/** What is told of rooms when the process that committed it has not: its outbox says which events, the log what they are. */
export function roomOutbox(store: OutboxStore<RunLeftBehind>, log: EventLog): Outbox<RunLeftBehind, RoomEvents> {
  return {
    stream: ROOM_EVENTS,
    store,
    keyOf: ({ roomId }) => roomId,
    async messagesOf({ roomId, firstSeq, lastSeq }) {
      const limit = lastSeq - firstSeq + 1;
      const isBackfilled = firstSeq < 0;
      const afterSeq = isBackfilled ? lastSeq + 1 : firstSeq - 1;
      const { events } = await log.read({ roomId, limit, afterSeq, backfilled: isBackfilled });
      return messagesOf(events);
    },
  };
}

/** Consecutive events of one room, in as many messages as their size asks for. */
export function messagesOf(run: RoomEvents): OutgoingMessage<RoomEvents>[] {
  const { roomId, roomNid } = run;
  return splitRun(run).map((message) => ({ key: roomId, id: `${roomNid}.${message.events[0]?.roomSeq}`, message }));
}
