import type { Codec } from '@ganglion/bus';
import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { ROOM_EVENTS } from '@ganglion/contracts';
import {
  call,
  eventually,
  MatrixUser,
  PASSWORD,
  type Replica,
  type SyncAnswer,
  SyncReader,
  startTestCluster,
  type TestCluster,
} from '@ganglion/testing';
import { Crowd } from './support/crowd.js';
import { shareOfACore } from './support/processor-time.js';
import { RoomLog } from './support/room-log.js';
import { deviceNidOf, RoomServerClient } from './support/room-servers.js';

const NAMES = ['one.example', 'two.example'] as const;

const UNLIMITED = { per_second: 100_000, burst: 100_000 };
const INVITES = { per_second: 0.001, burst: 6 };
const OTHERS = [
  ...['message', 'room_creation', 'joins', 'joins_per_room', 'invites_per_room', 'memberships', 'room_reads'],
  ...['initial_sync', 'directory', 'public_rooms', 'lookups', 'registration', 'auth_sessions', 'login', 'login_failed'],
  ...['login_failed_per_network', 'password_failed', 'refresh', 'account', 'account_data', 'profile'],
];
const LIMITS = {
  enabled: true,
  ...Object.fromEntries(OTHERS.map((name) => [name, UNLIMITED])),
  invites: INVITES,
};

let made = 0;

/** What must never break, shown on a cluster in which everything works. */
describe('what must never break', () => {
  let cluster: TestCluster;
  let log: RoomLog;

  beforeAll(async () => {
    cluster = await startTestCluster({
      settings: { server_names: NAMES.map((name) => ({ name })), rate_limits: LIMITS },
    });
    log = await RoomLog.open(cluster.databaseUrl);
  }, 120_000);

  afterAll(async () => {
    await log?.close();
    await cluster?.close();
  }, 60_000);

  const prove = (name: string, run: () => Promise<void>) => it(name, () => cluster.explaining(run), 120_000);
  const replica = (service: Replica['service'], index: number) => cluster.replicasOf(service)[index] as Replica;
  const register = (name: string, host?: string) => MatrixUser.register(cluster.url, `${name}-${++made}`, host);
  const inRoom = (roomId: string) => `rooms/${encodeURIComponent(roomId)}`;
  const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  prove(
    '2. Any replica may serve any request: one transaction id at two replicas at once gives one event',
    async () => {
      const alice = await register('alice');
      const roomId = await alice.createRoom();
      const roomServers = [0, 1].map((index) => new RoomServerClient(replica('room-server', index)));
      const deviceNid = await deviceNidOf(replica('user-server', 0), alice);
      try {
        const ids = await Promise.all(
          times(50, (index) => {
            const overHttp = [0, 1].map((i) =>
              alice.at(replica('client-api', i).url).sendText(roomId, 'once', `t${index}`),
            );
            const pastRouting = roomServers.map((server) => server.send(alice, roomId, `t${index}`, deviceNid));
            return Promise.all([...overHttp, ...pastRouting]);
          }),
        );
        for (const answers of ids) expect(new Set(answers).size).toBe(1);
        const committed = (await log.of(roomId)).filter(({ type }) => type === 'm.room.message');
        expect(committed.map(({ eventId }) => eventId).toSorted()).toEqual(ids.map(([id]) => id).toSorted());
      } finally {
        await Promise.all(roomServers.map((server) => server.close()));
      }
    },
  );

  prove('2. Any replica may serve any request: pages that begin at one replica go on at the other', async () => {
    const alice = await register('alice');
    const roomId = await alice.createRoom();
    for (const text of times(30, String)) await alice.sendText(roomId, text);
    await new SyncReader(alice).until(() => true);
    const said: unknown[] = [];
    for (let from: string | undefined, page = 0; page === 0 || from !== undefined; page++) {
      const reader = alice.at(replica('sync', page % 2).url);
      type Page = { chunk: { type: string; content: { body: string } }[]; end?: string };
      const query = { dir: 'b', from, limit: 7 };
      const { chunk, end } = await reader.call<Page>('GET', `${inRoom(roomId)}/messages`, { query });
      said.push(...chunk.filter(({ type }) => type === 'm.room.message').map(({ content }) => content.body));
      from = end;
    }
    expect(said).toEqual(times(30, String).reverse());
  });

  prove(
    '2. Any replica may serve any request: who logs in at one replica is known to all, and logged out at all',
    async () => {
      const alice = await register('alice');
      const request = {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: alice.userId },
        password: PASSWORD,
      };
      type Session = { access_token: string; device_id: string };
      const entrance = alice.at(replica('user-server', 0).url);
      const session = await entrance.call<Session>('POST', 'login', { body: request });
      const phone = new MatrixUser({ ...alice, accessToken: session.access_token, deviceId: session.device_id });
      const asks = [
        ...[0, 1].map((i) => () => phone.at(replica('client-api', i).url).call('GET', 'joined_rooms')),
        ...[0, 1].map((i) => () => phone.at(replica('sync', i).url).call('GET', 'sync')),
        ...[0, 1].map((i) => () => phone.at(replica('user-server', i).url).call('GET', 'account/whoami')),
      ];
      await Promise.all(asks.map((ask) => ask()));
      await phone.at(replica('user-server', 1).url).call('POST', 'logout');
      // Who has ended the session refuses it from then on; the others as soon as they hear of it.
      const there = phone.at(replica('user-server', 1).url).call('GET', 'account/whoami');
      await expect(there).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
      for (const ask of asks) {
        await eventually(() => expect(ask()).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' }));
      }
      await alice.call('GET', 'account/whoami');
    },
  );

  prove('2. Any replica may serve any request: what one replica allows counts at the other', async () => {
    const alice = await register('alice');
    const roomId = await alice.createRoom();
    const invite = (index: number) =>
      alice
        .at(replica('client-api', index % 2).url)
        .call('POST', `${inRoom(roomId)}/invite`, { body: { user_id: `@guest-${index}:one.example` } });
    for (let index = 0; index < INVITES.burst; index++) await invite(index);
    for (const index of [0, 1]) await expect(invite(index)).rejects.toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
  });

  prove('3. A room has one order: two room-servers that write to it at once leave no gap and no fork', async () => {
    const users = await Promise.all([register('alice'), register('bob')]);
    const [alice, bob] = users as [MatrixUser, MatrixUser];
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(roomId);
    const reader = new SyncReader(bob);
    await reader.read();
    const servers = [0, 1].map((index) => new RoomServerClient(replica('room-server', index)));
    try {
      const write = async (server: RoomServerClient, user: MatrixUser, lane: number) => {
        const ids: string[] = [];
        for (const txnId of times(50, (index) => `${lane}-${index}`)) {
          ids.push(await server.send(user, roomId, txnId));
        }
        return ids;
      };
      const lanes = users.flatMap((user, i) => times(25, (lane) => write(servers[i] as RoomServerClient, user, lane)));
      const sent = (await Promise.all(lanes)).flat();

      const committed = await log.of(roomId);
      expect(committed.map(({ seq }) => seq)).toEqual(committed.map((_, index) => index + 1));
      expect(committed.slice(1).filter(({ parents }) => parents !== 1)).toEqual([]);
      const order = committed.filter(({ type }) => type === 'm.room.message').map(({ eventId }) => eventId);
      expect(order.toSorted()).toEqual(sent.toSorted());
      const read = () => reader.timeline(roomId).filter(({ type }) => type === 'm.room.message');
      await reader.until(() => read().length >= sent.length);
      expect(read().map(({ event_id }) => event_id)).toEqual(order);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });

  prove('5. A sync token never skips: one that comes from one replica goes on at the other', async () => {
    const [alice, bob] = (await Promise.all([register('alice'), register('bob')])) as [MatrixUser, MatrixUser];
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(roomId);
    let since: string | undefined;
    let turn = 0;
    const said: unknown[] = [];
    const readOn = async () => {
      const reader = bob.at(replica('sync', turn++ % 2).url);
      const query = { since, timeout: since === undefined ? 0 : 5_000 };
      const answer = await reader.call<SyncAnswer>('GET', 'sync', { query });
      since = answer.next_batch;
      return answer.rooms?.join?.[roomId]?.timeline;
    };
    while ((await readOn()) === undefined);
    turn = 0;
    const talk = async () => {
      for (const text of times(60, String)) await alice.sendText(roomId, text);
    };
    const read = async () => {
      while (said.length < 60) {
        const timeline = await readOn();
        expect(timeline?.limited ?? false).toBe(false);
        said.push(...(timeline?.events.map(({ content }) => content.body) ?? []));
      }
    };
    await Promise.all([talk(), read()]);
    expect(said).toEqual(times(60, String));
    expect(turn).toBeGreaterThan(2);
  });

  prove(
    '6. Poison is parked: what cannot be read on the way is set aside and counted, and keeps nobody waiting',
    async () => {
      const alice = await register('alice');
      const rooms = await Promise.all(times(8, () => alice.createRoom()));
      const reader = new SyncReader(alice);
      await reader.read();
      const bus = await connectJetStreamBus({ servers: [cluster.nats.url], name: 'poisoner' });
      const garbage: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes };
      const stream = { ...ROOM_EVENTS, codec: garbage };
      try {
        // As keys are spread over shards, some of it is in front of every room.
        await bus.publishAll(
          stream,
          times(64, (index) => ({
            message: Buffer.from('no protobuf \xff\xff', 'latin1'),
            key: `!poison-${index}:example`,
          })),
        );
        const pdu = {
          ...{ roomSeq: 1, eventId: '$none', eventNid: 1, pduJson: '{"no":', stateChanges: [], memberships: [] },
          ...{ visibility: 'shared', hasMoreStateChanges: false },
        };
        const poison = { roomId: '!unreadable:example', roomVersion: '12', roomNid: 999_999, events: [pdu] };
        await bus.publish(ROOM_EVENTS, poison, { key: poison.roomId });
        const sent = await Promise.all(rooms.map((roomId) => alice.sendText(roomId, 'antidote')));
        await reader.until(() =>
          rooms.every((id, i) => reader.timeline(id).some(({ event_id }) => event_id === sent[i])),
        );
        await eventually(async () => expect(await countOf('ganglion_sync_unreadable_events_total')).toBe(1));
        // By each of those that read what happens in rooms.
        const readers = ['sync', 'user-server-successions'];
        await eventually(async () => {
          const letters = (await bus.parked(1_000)).map(
            ({ stream, durable, reason }) => `${stream} ${durable} ${reason}`,
          );
          expect(letters.sort()).toEqual(
            readers.flatMap((durable) => times(64, () => `room-events ${durable} undecodable`)),
          );
        });
        expect(await countOf('ganglion_bus_parked_messages_total')).toBe(64 * readers.length);
      } finally {
        await bus.close();
      }
    },
  );

  prove('8. Local is a set: users of two server names share rooms, each under their own name and key', async () => {
    const [alice, bob] = (await Promise.all([register('alice', NAMES[0]), register('bob', NAMES[1])])) as [
      MatrixUser,
      MatrixUser,
    ];
    expect([alice, bob].map(({ userId }) => userId.split(':')[1])).toEqual(NAMES);
    const roomId = await alice.createRoom({ invite: [bob.userId], room_alias_name: `hall-${made}` });
    await bob.join(`#hall-${made}:one.example`);
    const sent = [await alice.sendText(roomId, 'from one'), await bob.sendText(roomId, 'from two')];
    for (const user of [alice, bob]) {
      const reader = new SyncReader(user);
      await reader.until(() => sent.every((id) => reader.timeline(roomId).some(({ event_id }) => event_id === id)));
    }
    const signers = (await log.of(roomId)).map(({ sender, pdu }) => [
      sender.split(':')[1],
      ...Object.keys(JSON.parse(pdu).signatures),
    ]);
    for (const [name, ...by] of signers) expect(by).toEqual([name]);
    expect(new Set(signers.flat())).toEqual(new Set(NAMES));
  });

  prove('8. Local is a set: the host that a client asks picks the name', async () => {
    const username = `double-${++made}`;
    const users = await Promise.all(NAMES.map((name) => MatrixUser.register(cluster.url, username, name)));
    expect(users.map(({ userId }) => userId)).toEqual(NAMES.map((name) => `@${username}:${name}`));
    const at = <T>(host: string, method: 'GET' | 'POST', path: string, body?: object) =>
      call<T>({ method, url: `${cluster.url}/_matrix/${path}`, headers: { host }, body });
    for (const name of NAMES) {
      const identifier = { type: 'm.id.user', user: username };
      const login = { type: 'm.login.password', identifier, password: PASSWORD };
      const { user_id } = await at<{ user_id: string }>(name, 'POST', 'client/v3/login', login);
      expect(user_id).toBe(`@${username}:${name}`);
    }
    type Keys = { server_name: string; verify_keys: Record<string, { key: string }> };
    const keys = await Promise.all(NAMES.map((name) => at<Keys>(name, 'GET', 'key/v2/server')));
    expect(keys.map(({ server_name }) => server_name)).toEqual(NAMES);
    expect(new Set(keys.flatMap(({ verify_keys }) => Object.values(verify_keys).map(({ key }) => key))).size).toBe(2);
  });

  prove('10. Work is paid for by who does it: a sync replica that nobody asks uses next to nothing', async () => {
    // The replica that stays takes over whatever the other one led.
    const idle = replica('sync', 1);
    await idle.stop();
    await idle.start();
    const crowd = await Crowd.gather(cluster.url, replica('sync', 0).url);
    try {
      await crowd.talkDuring(async () => {
        const share = await shareOfACore(idle.pid as number, () => crowd.said(1_500));
        expect(share).toBeLessThan(0.03);
      });
    } finally {
      await crowd.disperse();
    }
  });

  /** The sum of a counter over all processes. */
  async function countOf(metric: string): Promise<number> {
    const texts = await Promise.all(
      cluster.replicas.map(async ({ operators }) => (await fetch(`${operators}/metrics`)).text()),
    );
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(metric));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
});
