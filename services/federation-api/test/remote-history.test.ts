import { PduFate, type RoomIntake } from '@ganglion/contracts/room';
import { generateSigningKey, ready } from '@ganglion/protocol';
import { FarRoom } from '@ganglion/testing';
import { RemoteHistory } from '../src/domain/history/remote-history.js';
import { ServersToAsk } from '../src/domain/history/servers-to-ask.js';
import type { PduVerifier } from '../src/domain/pdus/pdu-verifier.js';
import type { RemoteEvents } from '../src/domain/ports/incoming.js';

beforeAll(() => ready());

it('comes from the next server where one gives other events than were asked for, which is not asked again for a while', async () => {
  const keys = new Map([['far.example', generateSigningKey('k')]]);
  const room = new FarRoom({ server: 'far.example', keys });
  const [wanted, later, madeUp] = ['wanted', 'also wanted', 'made up'].map((body) => room.say(body));
  const gaps = [wanted!, later!].map(({ eventId }) => ({
    ...{ eventId: '$after', sender: '@a:far.example', depth: 9, missingEventIds: [eventId] },
  }));
  const placed = new Set<string>();
  const open = () => gaps.filter(({ missingEventIds: [id] }) => !placed.has(id!));
  const intake = {
    listHistoryGaps: async () => ({ gaps: open(), roomVersion: room.rules.id, participating: true, backSeq: 0 }),
    listRoomServers: async () => ({ serverNames: ['ours.example', 'bad.example', 'good.example'] }),
    listUnknownEvents: async ({ eventIds }: { eventIds: string[] }) => ({
      ...{ eventIds: eventIds.filter((id) => !placed.has(id)), unplacedEventIds: [] },
    }),
    receivePdus: async ({ pdusJson }: { pdusJson: string[] }) => {
      const events = pdusJson.map((text) => [wanted!, later!, madeUp!].find(({ json }) => json === text)!);
      for (const { eventId } of events) placed.add(eventId);
      const outcome = { fate: PduFate.ACCEPTED, reason: '', missingEventIds: [] };
      return { outcomes: events.map(({ eventId }) => ({ eventId, ...outcome })) };
    },
  };
  const asked: string[] = [];
  const gives = { 'bad.example': [madeUp!], 'good.example': [wanted!] } as const;
  const remote = {
    backfill: async ({ server }: { server: keyof typeof gives }) => {
      asked.push(server);
      return gives[server];
    },
  };
  const history = new RemoteHistory({
    intake: intake as unknown as RoomIntake,
    remote: remote as unknown as RemoteEvents,
    pdus: { verify: async (pdus: readonly unknown[]) => pdus } as unknown as PduVerifier,
    turns: { take: async () => true, end: async () => {} },
    servers: new ServersToAsk({
      ...{ intake: intake as unknown as RoomIntake, isOurs: (name) => name === 'ours.example', allows: () => true },
    }),
    logger: { info: () => {} },
  });
  await history.fetch(room.roomId, 10);
  expect([asked, placed.has(wanted!.eventId)]).toEqual([['bad.example', 'good.example'], true]);
  placed.delete(wanted!.eventId);
  await history.fetch(room.roomId, 10);
  expect(asked.slice(2)).toEqual(['good.example']);
});
