import { PduFate, type RoomIntake } from '@ganglion/contracts/room';
import { roomVersionRules } from '@ganglion/protocol';
import { RoomStates } from '../incoming/room-states.js';
import type { PduVerifier } from '../pdus/pdu-verifier.js';
import type { RemoteEvents } from '../ports/incoming.js';
import type { PartialJoin, PartialJoins } from '../ports/remote-rooms.js';

export interface JoinCompletionDependencies {
  readonly intake: RoomIntake;
  readonly pdus: PduVerifier;
  readonly remote: RemoteEvents;
  readonly joins: PartialJoins;
  /** Of this replica: a UUID. */
  readonly holder: string;
  readonly logger: { info(fields: object, message: string): void };
}

const AT_ONCE = 8;
/** Of one server: the state of a room of a hundred thousand takes its time. */
const ATTEMPT_MS = 180_000;
const KEEP_EVERY_MS = 10_000;
const STOP_WITHIN_MS = 1_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** A look into our own database; nobody else is asked. */
const BLOCKED_PAUSE_MS = 5_000;
/** So often who let us in is asked alone: others could tell another room. */
const TRIES_WITH_FIRST = 3;
const SERVERS_A_TRY = 3;
/** So often it is tried to have everything: keys of servers may not be there just now. */
const TRIES_FOR_ALL = 4;

/** Nothing is left to do, somebody is to be asked again, or nothing may be done as long as the operator does not let the room go on. */
type Outcome = 'done' | 'failed' | 'blocked';

/**
 * Asks for the members of rooms that were joined without them, until somebody tells. Any replica goes on with what one that died
 * had begun.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export class JoinCompletion {
  readonly #running = new Set<Promise<void>>();
  #stopped = false;

  constructor(private readonly deps: JoinCompletionDependencies) {}

  /** Works on one that this replica has taken. Never fails. */
  begin(join: PartialJoin): Promise<void> {
    const running = this.#work(join).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Takes what nobody works on, as long as little is going on here: servers that do not answer keep nobody else waiting. */
  async look(): Promise<void> {
    const { joins, holder } = this.deps;
    while (this.#running.size < AT_ONCE && !this.#stopped) {
      const join = await joins.take(holder);
      if (join === undefined) return;
      void this.begin(join);
    }
  }

  /** Waits a little for what runs: another server may take minutes to answer, and others go on with what this one leaves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, STOP_WITHIN_MS);
    await Promise.race([Promise.all(this.#running), late]);
    clearTimeout(timer);
  }

  async #work(join: PartialJoin): Promise<void> {
    const { joins, holder, logger } = this.deps;
    const { roomId, eventId, failures } = join;
    const failed = (error: unknown) => logger.info({ err: error, room_id: roomId }, 'a join could not be ended yet');
    const keeping = setInterval(() => void joins.keep(join, holder).catch(failed), KEEP_EVERY_MS);
    try {
      const outcome = await this.#complete(join);
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures, 20), LONGEST_PAUSE_MS);
      if (outcome === 'done') await joins.end(roomId, eventId);
      else if (outcome === 'blocked') await joins.postpone(join, holder, BLOCKED_PAUSE_MS);
      else await joins.postpone({ ...join, failures: failures + 1 }, holder, pause);
    } catch (error) {
      failed(error);
    } finally {
      clearInterval(keeping);
    }
  }

  async #complete({ roomId, eventId, as, servers, failures }: PartialJoin): Promise<Outcome> {
    const { intake, logger } = this.deps;
    const { rooms } = await intake.describeRooms({ roomIds: [roomId], serverName: as });
    const rules = roomVersionRules(rooms[0]?.roomVersion ?? '');
    // Who comes back joins it whole.
    if (rules === undefined || !rooms[0]!.participating) return 'done';
    // Nothing of it would be taken. It is looked at again, should the operator let it go on.
    if (rooms[0]!.blocked) return 'blocked';
    for (const server of askedNow(servers, failures)) {
      if (this.#stopped) return 'failed';
      try {
        const asked = { server, as, roomId, deadline: Date.now() + ATTEMPT_MS };
        const all = failures < TRIES_FOR_ALL;
        const stateEventIds = await new RoomStates(this.deps, asked, rules).fetch(eventId, { all });
        const { outcomes } = await intake.completeState({ roomId, eventId, stateEventIds });
        const refused = outcomes.find(({ fate }) => fate === PduFate.WAITING || fate === PduFate.INVALID);
        if (refused === undefined) {
          logger.info({ room_id: roomId, server, members: stateEventIds.length }, 'all of a joined room is known');
          return 'done';
        }
        const reason = refused.reason || 'some of it could not be had';
        logger.info({ room_id: roomId, server, reason }, 'the state that a server has told of a room was not taken');
      } catch (error) {
        logger.info({ err: error, room_id: roomId, server }, 'a server has not told the state of a room');
      }
    }
    return 'failed';
  }
}

/** Whom to ask after so many failures: the first alone at first, then others with it, each some time. */
function askedNow([first, ...others]: readonly string[], failures: number): string[] {
  if (first === undefined) return [];
  if (failures < TRIES_WITH_FIRST || others.length === 0) return [first];
  const start = (SERVERS_A_TRY * (failures - TRIES_WITH_FIRST)) % others.length;
  return [first, ...others.slice(start, start + SERVERS_A_TRY)];
}
