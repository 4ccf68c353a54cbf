import {
  eventually,
  MatrixUser,
  persistently,
  SyncReader,
  startIdenticalProcesses,
  type TestIdenticalProcesses,
} from '@ganglion/testing';

const PATIENCE_MS = 60_000;

/** Two processes with everything in them, on one database and one NATS: docs/operations/topologies.md. */
describe('two identical processes', () => {
  let twins: TestIdenticalProcesses;
  let alice: MatrixUser;
  let bob: MatrixUser;
  let atAlice: SyncReader;
  let atBob: SyncReader;
  let roomId: string;
  const said: string[] = [];
  const aliceReads = new AbortController();
  const bobReads = new AbortController();

  beforeAll(async () => {
    twins = await startIdenticalProcesses(2);
    await twins.explaining(async () => {
      const [one, two] = twins.processes;
      alice = await persistently(() => MatrixUser.register(one!.url, 'alice'));
      bob = await persistently(() => MatrixUser.register(two!.url, 'bob'));
      roomId = await alice.createRoom({ preset: 'public_chat' });
      await persistently(() => bob.join(roomId));
    });
  }, 180_000);
  afterAll(async () => {
    aliceReads.abort();
    bobReads.abort();
    await twins?.close();
  }, 60_000);

  const prove = (name: string, run: () => Promise<void>) => it(name, () => twins.explaining(run), 180_000);
  const read = (reader: SyncReader) =>
    reader
      .timeline(roomId)
      .filter(({ type }) => type === 'm.room.message')
      .map(({ event_id }) => event_id);
  const say = async (who: MatrixUser, text: string) => {
    said.push(await persistently(() => who.sendText(roomId, text, `${who.userId} ${text}`)));
  };
  const follow = (user: MatrixUser, { signal }: AbortController): SyncReader => {
    const reader = new SyncReader(user);
    void reader.follow(signal);
    return reader;
  };
  /** What a reader gets who goes on elsewhere where another one has stopped. */
  const readOn = async ({ since }: SyncReader, user: MatrixUser): Promise<SyncReader> => {
    const reader = new SyncReader(user);
    reader.since = since;
    await reader.until(() => read(reader).includes(said.at(-1)!));
    return reader;
  };

  prove('bring what is said at one to who reads at the other, in one order and once', async () => {
    atAlice = follow(alice, aliceReads);
    atBob = follow(bob, bobReads);
    for (let n = 0; n < 10; n++) {
      await say(alice, `a${n}`);
      await say(bob, `b${n}`);
    }
    await eventually(() => {
      expect(read(atAlice)).toEqual(said);
      expect(read(atBob)).toEqual(said);
    }, PATIENCE_MS);
  });

  prove('bring at once what nobody stores: who is typing, and messages to devices', async () => {
    const path = `rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(alice.userId)}`;
    const seen = { typing: false, message: false };
    // Somebody with one reader: what a device has read is not told again.
    const carol = await persistently(() => MatrixUser.register(twins.processes[1]!.url, 'carol'));
    await persistently(() => carol.join(roomId));
    const messages = { [carol.userId]: { [carol.deviceId]: { hello: 'carol' } } };
    await alice.call('PUT', 'sendToDevice/m.test/1', { body: { messages } });
    let since: string | undefined;
    await eventually(async () => {
      await alice.call('PUT', path, { body: { typing: true, timeout: 30_000 } });
      const answer = await carol.call<Ephemeral>('GET', 'sync', { query: { since, timeout: 1_000 } });
      since = answer.next_batch;
      const ephemeral = answer.rooms?.join?.[roomId]?.ephemeral?.events ?? [];
      seen.typing ||= ephemeral.some(({ content }) => content.user_ids?.includes(alice.userId) === true);
      seen.message ||= (answer.to_device?.events ?? []).some(({ type }) => type === 'm.test');
      expect(seen).toEqual({ typing: true, message: true });
    }, PATIENCE_MS);
  });

  prove('go on when one of them is killed: who was there is answered by the other, and nothing is lost', async () => {
    const [one, two] = twins.processes;
    aliceReads.abort();
    await one!.process.kill();
    const moved = alice.at(two!.url);
    await say(moved, 'still here');
    await say(bob, 'so am I');
    const elsewhere = await readOn(atAlice, moved);
    expect(read(elsewhere)).toEqual(said.slice(-2));
    await one!.process.start();
    await say(alice, 'back again');
    await say(bob, 'welcome');
    expect(read(await readOn(elsewhere, alice))).toEqual(said.slice(-2));
    await eventually(() => expect(read(atBob)).toEqual(said), PATIENCE_MS);
  });
});

interface Ephemeral {
  readonly next_batch: string;
  readonly to_device?: { readonly events: readonly { readonly type: string }[] };
  readonly rooms?: {
    readonly join?: Readonly<
      Record<
        string,
        { readonly ephemeral?: { readonly events: readonly { readonly content: { readonly user_ids?: string[] } }[] } }
      >
    >;
  };
}
