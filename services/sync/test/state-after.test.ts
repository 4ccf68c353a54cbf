import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

const LAZY = { room: { state: { lazy_load_members: true }, timeline: { limit: 3 } } };
const NAMES = ['use_state_after', 'org.matrix.msc4222.use_state_after'] as const;

interface StateEvent {
  readonly type: string;
  readonly state_key: string;
  readonly content: { readonly membership?: string; readonly name?: string };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
describe.each(NAMES)('the state after the timeline, asked for by %s', (parameter) => {
  const key = parameter.replace('use_', '');
  let deployment: Deployment;
  let replica: Replica;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create();
    replica = await deployment.start();
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replica);
    bob = deployment.person('bob', replica);
    carol = deployment.person('carol', replica);
    roomId = await deployment.rooms.create(alice.userId, bob.userId, carol.userId);
    await bob.roomUntil(roomId, ({ timeline }) => timeline.events.length > 0);
  });

  /** What the room's answer says of its state, as `type/state_key=value`; the other names of state are not in it. */
  async function stateAfter(since: string | undefined): Promise<string[]> {
    const query = new URLSearchParams({ filter: JSON.stringify(LAZY), [parameter]: 'true', ...(since && { since }) });
    const { body } = await bob.call('GET', `sync?${query}`);
    const room = body.rooms.join[roomId];
    expect(Object.keys(room).filter((name) => name.includes('state'))).toEqual([key]);
    const value = ({ membership, name }: StateEvent['content']) => membership ?? name ?? '';
    return room[key].events.map(
      ({ type, state_key, content }: StateEvent) => `${type}/${state_key.split(/[-:]/)[0]}=${value(content)}`,
    );
  }

  it('has what the timeline changes, members who say nothing as well', async () => {
    const { since } = bob;
    const named = { type: 'm.room.name', stateKey: '', sender: alice.userId, content: { name: 'Ours' } };
    await deployment.rooms.send(roomId, named);
    const kick = await deployment.rooms.setMembership(roomId, carol.userId, 'leave', alice.userId);
    await bob.sees(roomId, kick);
    const state = await stateAfter(since);
    expect(state).toContain('m.room.name/=Ours');
    expect(state).toContain('m.room.member/@carol=leave');
  });

  it('is the last of several states that the timeline goes through', async () => {
    const { since } = bob;
    for (const name of ['One', 'Two']) {
      await deployment.rooms.send(roomId, {
        type: 'm.room.name',
        stateKey: '',
        sender: alice.userId,
        content: { name },
      });
    }
    await deployment.rooms.setMembership(roomId, bob.userId, 'leave');
    const back = await deployment.rooms.setMembership(roomId, bob.userId, 'join');
    await bob.sees(roomId, back);
    const state = await stateAfter(since);
    expect(state.filter((entry) => entry.startsWith('m.room.name'))).toEqual(['m.room.name/=Two']);
    expect(state.filter((entry) => entry.startsWith('m.room.member/@bob'))).toEqual(['m.room.member/@bob=join']);
  });

  it('has the own membership of who sees the room for the first time', async () => {
    expect(await stateAfter(undefined)).toContain('m.room.member/@bob=join');
  });

  it('has the own membership of who declines an invite', async () => {
    const invited = await deployment.rooms.create(alice.userId);
    await deployment.rooms.setMembership(invited, bob.userId, 'invite', alice.userId);
    const { since } = bob;
    await deployment.rooms.setMembership(invited, bob.userId, 'leave');
    const query = new URLSearchParams({ [parameter]: 'true', since: since ?? '' });
    const told = (events: StateEvent[]) => events.map(({ content }) => content.membership);
    await eventually(async () => {
      const { body } = await bob.call('GET', `sync?${query}`);
      const room = body.rooms.leave[invited];
      expect([told(room.timeline.events), told(room[key].events)]).toEqual([['leave'], ['leave']]);
    });
  });
});
