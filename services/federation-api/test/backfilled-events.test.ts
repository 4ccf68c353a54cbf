import { PduFate, type RoomIntake } from '@ganglion/contracts/room';
import { generateSigningKey, ready } from '@ganglion/protocol';
import { FarRoom } from '@ganglion/testing';
import { placeBackfilled } from '../src/domain/history/backfilled-events.js';
import { RoomStates } from '../src/domain/incoming/room-states.js';
import type { PduVerifier, VerifiedPdu } from '../src/domain/pdus/pdu-verifier.js';
import type { RemoteEvents } from '../src/domain/ports/incoming.js';

beforeAll(() => ready());

const SERVER = 'far.example';
const asked = { server: SERVER, as: 'ours.example', roomId: '!r:far.example' };

/** A room server to which events are of one fate, and a server that says that nothing was before them. */
function parts(fate: PduFate, placed: PduFate = fate) {
  const states: string[] = [];
  const outcome = (eventId: string, it: PduFate) => ({ eventId, fate: it, reason: '', missingEventIds: [] });
  const intake = {
    listUnknownEvents: async ({ eventIds }: { eventIds: string[] }) => ({ eventIds, unplacedEventIds: [] }),
    receivePdus: async ({ pdusJson }: { pdusJson: string[] }) => ({
      outcomes: pdusJson.map((id) => outcome(id, fate)),
    }),
    storeOutliers: async () => ({ outcomes: [] }),
    placeWithState: async () => ({ outcomes: [outcome('', placed)] }),
  };
  const remote = {
    stateIds: async (_: unknown, eventId: string) => {
      states.push(eventId);
      return { state: [], authChain: [] };
    },
  };
  const deps = {
    intake: intake as unknown as RoomIntake,
    remote: remote as unknown as RemoteEvents,
    pdus: {} as PduVerifier,
  };
  return { deps, states };
}

function messages(count: number) {
  const room = new FarRoom({ server: SERVER, keys: new Map([[SERVER, generateSigningKey('k')]]) });
  const written = Array.from({ length: count }, (_, n) => room.say(`message ${n}`));
  const pdus = written.map(({ eventId, pdu, json }): VerifiedPdu => ({ eventId, pdu: pdu as never, json }));
  return { rules: room.rules, pdus };
}

it('an event that has no place for its form is not taken for placed', async () => {
  const { rules, pdus } = messages(1);
  for (const [fate, isPlaced] of [
    [PduFate.INVALID, false],
    [PduFate.WAITING, false],
    [PduFate.ACCEPTED, true],
    [PduFate.REJECTED, true],
  ] as const) {
    const { deps } = parts(fate);
    expect([fate, await new RoomStates(deps, asked, rules).place(pdus[0]!)]).toEqual([fate, isPlaced]);
  }
});

it('states are asked for one after the other, until nobody waits any more', async () => {
  const { rules, pdus } = messages(3);
  const patient = parts(PduFate.WAITING, PduFate.ACCEPTED);
  expect(await placeBackfilled(patient.deps, asked, rules, pdus)).toBe(3);
  expect(patient.states).toHaveLength(3);
  const late = parts(PduFate.WAITING, PduFate.ACCEPTED);
  expect(await placeBackfilled(late.deps, { ...asked, deadline: Date.now() - 1 }, rules, pdus)).toBe(0);
  expect(late.states).toEqual([]);
});
