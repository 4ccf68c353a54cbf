import { eventually } from '@ganglion/testing';
import { Direction, EventType, type MatrixClient, Preset, Visibility } from 'matrix-js-sdk';
import { AppUser } from '../support/app-user.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

const domainOf = (client: MatrixClient) => client.getDomain() ?? '';

/** The first evening of a small organisation. */
export function firstEvening(server: Server, story: Story): void {
  const open: AppUser[] = [];
  afterEach(() => {
    for (const { client } of open) client.stopPeeking();
    for (const person of open.splice(0)) person.close();
  });

  async function newcomer(name: string): Promise<AppUser> {
    const person = await AppUser.register(server().url, fresh(name));
    open.push(person);
    return person.open();
  }

  /** A space with a room that everybody may look into, and one for those who are in the space. */
  async function found(alice: AppUser) {
    const { client } = alice;
    const readable = { type: EventType.RoomHistoryVisibility, content: { history_visibility: 'world_readable' } };
    const { room_id: spaceId } = await client.createRoom({
      ...{ name: 'The club', preset: Preset.PublicChat, room_alias_name: fresh('club') },
      creation_content: { type: 'm.space' },
    });
    const { room_id: loungeId } = await client.createRoom({
      ...{ name: 'Lounge', preset: Preset.PublicChat, visibility: Visibility.Public, initial_state: [readable] },
    });
    const allow = [{ type: 'm.room_membership', room_id: spaceId }];
    const { room_id: membersId } = await client.createRoom({
      ...{ name: 'Members', preset: Preset.PrivateChat },
      initial_state: [{ type: EventType.RoomJoinRules, content: { join_rule: 'restricted', allow } }],
    });
    for (const roomId of [loungeId, membersId]) {
      await client.sendStateEvent(spaceId, EventType.SpaceChild, { via: [domainOf(client)] }, roomId);
    }
    return { spaceId, loungeId, membersId };
  }

  story('people find its rooms by way of its space, and are let into that of the members', async () => {
    const [alice, bob] = await Promise.all([newcomer('alice'), newcomer('bob')]);
    const { spaceId, loungeId, membersId } = await found(alice);
    await expect(bob.client.joinRoom(membersId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await bob.client.joinRoom(spaceId);
    const { rooms } = await bob.client.getRoomHierarchy(spaceId);
    expect(new Set(rooms.map(({ room_id }) => room_id))).toEqual(new Set([spaceId, loungeId, membersId]));
    await bob.client.joinRoom(membersId);
    await bob.sees('join', membersId);
    await alice.say(membersId, 'Welcome');
    await bob.message(membersId, 'Welcome');
  });

  story('a visitor looks in before they make up their mind, and hears what is said', async () => {
    const [alice, visitor] = await Promise.all([newcomer('alice'), newcomer('visitor')]);
    const { loungeId } = await found(alice);
    await alice.say(loungeId, 'Is anybody here?');
    await visitor.client.peekInRoom(loungeId);
    await visitor.message(loungeId, 'Is anybody here?');
    await alice.say(loungeId, 'Whoever looks in sees this');
    await visitor.message(loungeId, 'Whoever looks in sees this');
    visitor.client.stopPeeking();
    await visitor.client.joinRoom(loungeId);
    await visitor.sees('join', loungeId);
    await visitor.say(loungeId, 'I am');
    await alice.message(loungeId, 'I am');
  });

  story('a question is answered in a thread, and what is out of place is taken away with who said it', async () => {
    const [alice, bob, carol] = await Promise.all([newcomer('alice'), newcomer('bob'), newcomer('carol')]);
    const { loungeId } = await found(alice);
    for (const { client } of [bob, carol]) await client.joinRoom(loungeId);
    const question = await alice.say(loungeId, 'Who brings the cake?');
    await bob.client.sendMessage(loungeId, question, { msgtype: 'm.text', body: 'I do' } as never);
    await alice.message(loungeId, 'I do');
    await eventually(async () => {
      const { chunk } = await alice.client.createThreadListMessagesRequest(loungeId, null, 10, Direction.Backward);
      expect(chunk.map(({ event_id }) => event_id)).toEqual([question]);
      expect(chunk[0]?.unsigned?.['m.relations']?.['m.thread']?.count).toBe(1);
    });

    await carol.say(loungeId, 'Buy gift cards');
    const advertisement = await bob.message(loungeId, 'Buy gift cards');
    await alice.client.redactEvent(loungeId, advertisement.getId() ?? '');
    await alice.client.kick(loungeId, carol.userId, 'No advertisements');
    await carol.sees('leave', loungeId);
    await eventually(() => expect(bob.texts(loungeId)).not.toContain('Buy gift cards'));
    await expect(carol.say(loungeId, 'More gift cards')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
}
