import { PduFate, type PduOutcome, type RoomDescription, type RoomIntake } from '@ganglion/contracts/room';
import { isJsonObject, roomVersionRules } from '@ganglion/protocol';
import { isVerified, type PduVerifier, type VerifiedPdu } from '../pdus/pdu-verifier.js';
import type { Recommendations } from '../policy/recommendations.js';
import type { Gaps } from './gaps.js';
import type { OutOfBandPdus } from './out-of-band-pdus.js';

/** Who gave us something. */
export interface Giver {
  readonly origin: string;
  /** Which of our names it was given to. */
  readonly destination: string;
}

/** What a PDU of a transaction came to: nothing to say, or why it was refused. */
export type PduAnswer = Readonly<Record<string, never>> | { readonly error: string };

export interface RoomPdusDependencies {
  readonly intake: RoomIntake;
  readonly pdus: PduVerifier;
  readonly recommendations: Recommendations;
  readonly gaps: Gaps;
  readonly outOfBand: OutOfBandPdus;
}

export interface TakenPdus {
  /** By event id, what each has come to. What has no id, or is of a room that is not known here, is left out. */
  readonly answers: Readonly<Record<string, PduAnswer>>;
  /** Resolves when what was missing before them has come, or is given up for now. */
  readonly filled: Promise<void>;
}

type Fill = (room: RoomDescription, waiting: readonly WaitingPdu[]) => void;

/** A PDU that has come, and the events before it that nobody here knows. */
export interface WaitingPdu {
  readonly pdu: VerifiedPdu;
  readonly missing: readonly string[];
}

/**
 * Takes in PDUs of any number of rooms: each room for itself, and each PDU alone in its fate.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#pdus
 */
export class RoomPdus {
  constructor(private readonly deps: RoomPdusDependencies) {}

  async take(giver: Giver, pdus: readonly unknown[]): Promise<TakenPdus> {
    const byRoom = groupByRoom(pdus);
    if (byRoom.size === 0) return { answers: {}, filled: Promise.resolve() };
    const { rooms } = await this.deps.intake.describeRooms({ roomIds: [...byRoom.keys()], serverName: giver.origin });
    const filling: Promise<void>[] = [];
    const fill = (room: RoomDescription, waiting: readonly WaitingPdu[]) => {
      if (waiting.length > 0) filling.push(this.deps.gaps.fill({ ...giver, room }, waiting));
    };
    const answers = rooms.map((room) => this.#takeOfRoom(giver, room, byRoom.get(room.roomId) ?? [], fill));
    const answered = Object.fromEntries((await Promise.all(answers)).flat());
    return { answers: answered, filled: Promise.all(filling).then(() => {}) };
  }

  async #takeOfRoom(
    { destination }: Giver,
    room: RoomDescription,
    received: readonly unknown[],
    fill: Fill,
  ): Promise<[string, PduAnswer][]> {
    const { roomId, roomVersion } = room;
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined) return [];
    const verdicts = await this.deps.pdus.verify(received, roomId, rules);
    const answers = new Map<string, PduAnswer>();
    const refuse = (eventId: string | undefined, error: string) => eventId && answers.set(eventId, { error });
    for (const verdict of verdicts) if (!isVerified(verdict)) refuse(verdict.eventId, verdict.refusal);
    const verified = verdicts.filter(isVerified);
    if (room.blocked) {
      for (const { eventId } of verified) refuse(eventId, 'The administrators of this server have blocked the room');
    } else if (room.serverShutOut) {
      for (const { eventId } of verified) refuse(eventId, 'The server ACL of the room shuts you out');
    } else if (!room.participating) {
      for (const pdu of verified) {
        const refusal = await this.deps.outOfBand.take(room, pdu);
        answers.set(pdu.eventId, refusal === undefined ? {} : { error: refusal });
      }
    } else if (verified.length > 0) {
      const shown = await this.deps.recommendations.getAll(destination, verified, rules, room.policyServer);
      for (const { eventId, fate, reason } of await this.#receive(room, shown, fill)) {
        const isRefused = fate === PduFate.REJECTED || fate === PduFate.INVALID;
        answers.set(eventId, isRefused ? { error: reason } : {});
      }
    }
    return [...answers];
  }

  async #receive(room: RoomDescription, verified: readonly VerifiedPdu[], fill: Fill): Promise<PduOutcome[]> {
    const { roomId } = room;
    const pdusJson = verified.map(({ json }) => json);
    const { outcomes } = await this.deps.intake.receivePdus({
      roomId,
      pdusJson,
      backfill: false,
      serverName: undefined,
    });
    fill(room, waitingOf(verified, outcomes));
    return outcomes;
  }
}

/** Those that wait, with what is missing before them. */
export function waitingOf(pdus: readonly VerifiedPdu[], outcomes: readonly PduOutcome[]): WaitingPdu[] {
  return pdus.flatMap((pdu, index) => {
    const { fate, missingEventIds } = outcomes[index]!;
    return fate === PduFate.WAITING ? [{ pdu, missing: missingEventIds }] : [];
  });
}

function groupByRoom(pdus: readonly unknown[]): Map<string, unknown[]> {
  const byRoom = new Map<string, unknown[]>();
  for (const pdu of pdus) {
    const roomId = isJsonObject(pdu) ? pdu.room_id : undefined;
    // No room id is longer; nobody looks for what PostgreSQL could not have.
    if (typeof roomId !== 'string' || roomId.length > 255 || roomId.includes('\0') || !roomId.isWellFormed()) continue;
    const ofRoom = byRoom.get(roomId);
    if (ofRoom === undefined) byRoom.set(roomId, [pdu]);
    else ofRoom.push(pdu);
  }
  return byRoom;
}
