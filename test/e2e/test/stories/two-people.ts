import { eventually } from '@ganglion/testing';
import { EventType, RelationType } from 'matrix-js-sdk';
import { AppUser } from '../support/app-user.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

/** What two people with an app do with each other in a room. */
export function twoPeople(server: Server, story: Story): void {
  const open: AppUser[] = [];
  afterEach(() => {
    for (const person of open.splice(0)) person.close();
  });

  async function arrive(name: string): Promise<AppUser> {
    const person = await AppUser.register(server().url, fresh(name));
    open.push(person);
    return person.open();
  }

  /** A private room of Alice's to which Bob has come by her invitation. */
  async function together() {
    const [alice, bob] = await Promise.all([arrive('alice'), arrive('bob')]);
    const { room_id: roomId } = await alice.client.createRoom({ name: 'Ours', invite: [bob.userId] });
    await bob.sees('invite', roomId);
    await bob.client.joinRoom(roomId);
    await Promise.all([alice.sees('join', roomId), bob.sees('join', roomId)]);
    return { alice, bob, roomId };
  }

  story('two people see each other’s messages at once, each once and in the same order', async () => {
    const { alice, bob, roomId } = await together();
    await alice.say(roomId, 'Hello Bob');
    await bob.message(roomId, 'Hello Bob');
    await bob.say(roomId, 'Hello Alice');
    await alice.message(roomId, 'Hello Alice');
    await Promise.all([alice.say(roomId, 'How are you?'), bob.say(roomId, 'What a day!')]);
    for (const person of [alice, bob]) {
      await person.message(roomId, 'How are you?');
      await person.message(roomId, 'What a day!');
    }
    await eventually(() => expect(bob.texts(roomId)).toEqual(alice.texts(roomId)));
    expect(alice.texts(roomId).slice(0, 2)).toEqual(['Hello Bob', 'Hello Alice']);
    expect(alice.texts(roomId).slice(2).toSorted()).toEqual(['How are you?', 'What a day!']);
  });

  story('an invitation shows who invites and the name of the room', async () => {
    const [alice, bob] = await Promise.all([arrive('alice'), arrive('bob')]);
    const { room_id: roomId } = await alice.client.createRoom({ name: 'The garden', invite: [bob.userId] });
    await bob.sees('invite', roomId);
    const room = bob.room(roomId);
    expect(room.name).toBe('The garden');
    expect(room.getMember(bob.userId)?.events.member?.getSender()).toBe(alice.userId);
  });

  story('who declines an invitation is out, and who invited sees it', async () => {
    const [alice, bob] = await Promise.all([arrive('alice'), arrive('bob')]);
    const { room_id: roomId } = await alice.client.createRoom({ invite: [bob.userId] });
    await bob.sees('invite', roomId);
    await bob.client.leave(roomId);
    await bob.sees('leave', roomId);
    await eventually(() => expect(alice.room(roomId).getMember(bob.userId)?.membership).toBe('leave'));
  });

  story('an edited message shows its new text to both', async () => {
    const { alice, bob, roomId } = await together();
    const eventId = await alice.say(roomId, 'I like cats');
    await bob.message(roomId, 'I like cats');
    await alice.client.sendEvent(roomId, EventType.RoomMessage, {
      msgtype: 'm.text',
      body: '* I like dogs',
      'm.new_content': { msgtype: 'm.text', body: 'I like dogs' },
      'm.relates_to': { rel_type: RelationType.Replace, event_id: eventId },
    } as never);
    for (const person of [alice, bob]) {
      await eventually(() => expect(person.texts(roomId)).toEqual(['I like dogs']));
    }
  });

  story('a reaction appears below the message, and goes when it is taken back', async () => {
    const { alice, bob, roomId } = await together();
    const eventId = await alice.say(roomId, 'We have won!');
    await bob.message(roomId, 'We have won!');
    const relation = { rel_type: RelationType.Annotation, event_id: eventId, key: '🎉' };
    const reaction = await bob.client.sendEvent(roomId, EventType.Reaction, { 'm.relates_to': relation } as never);
    const shown = (person: AppUser) =>
      person
        .room(roomId)
        .relations.getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction)
        ?.getSortedAnnotationsByKey()
        ?.flatMap(([key, events]) => (events.size > 0 ? [`${key}${events.size}`] : []))
        .join() ?? '';
    await eventually(() => expect(shown(alice)).toBe('🎉1'));
    await bob.client.redactEvent(roomId, reaction.event_id);
    for (const person of [alice, bob]) await eventually(() => expect(shown(person)).toBe(''));
  });

  story('a message that was removed has no text any more, and shows who removed it', async () => {
    const { alice, bob, roomId } = await together();
    const eventId = await bob.say(roomId, 'Oh no');
    const seen = await alice.message(roomId, 'Oh no');
    await alice.client.redactEvent(roomId, eventId, undefined, { reason: 'language!' });
    await eventually(() => expect(seen.isRedacted()).toBe(true));
    const own = bob.events(roomId).find((event) => event.getId() === eventId);
    await eventually(() => expect(own?.isRedacted()).toBe(true));
    expect(own?.getContent()).toEqual({});
    expect(own?.getUnsigned().redacted_because?.sender).toBe(alice.userId);
    expect(own?.getUnsigned().redacted_because?.content.reason).toBe('language!');
  });

  story('who leaves sees nothing more, and sees what is new after coming back', async () => {
    const { alice, bob, roomId } = await together();
    await alice.say(roomId, 'before');
    await bob.message(roomId, 'before');
    await bob.client.leave(roomId);
    await bob.sees('leave', roomId);
    await eventually(() => expect(alice.room(roomId).getMember(bob.userId)?.membership).toBe('leave'));
    await alice.say(roomId, 'in between');
    await expect(bob.say(roomId, 'from outside')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    for (const unsent of bob.room(roomId).getPendingEvents()) bob.client.cancelPendingEvent(unsent);
    await expect(bob.client.joinRoom(roomId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(bob.texts(roomId)).toEqual(['before']);

    await alice.client.invite(roomId, bob.userId);
    await bob.sees('invite', roomId);
    await bob.client.joinRoom(roomId);
    await bob.sees('join', roomId);
    await alice.say(roomId, 'after');
    await bob.message(roomId, 'after');
    await bob.say(roomId, 'here again');
    await alice.message(roomId, 'here again');
    expect(alice.texts(roomId)).toEqual(['before', 'in between', 'after', 'here again']);
  });

  story('a new name of a person and of the room reaches who is in it', async () => {
    const { alice, bob, roomId } = await together();
    await bob.client.setDisplayName('Robert');
    await eventually(() => expect(alice.room(roomId).getMember(bob.userId)?.name).toBe('Robert'));
    await alice.client.setRoomName(roomId, 'Theirs');
    await eventually(() => expect(bob.room(roomId).name).toBe('Theirs'));
    await expect(bob.client.setRoomName(roomId, 'Mine')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect((await alice.client.getProfileInfo(bob.userId)).displayname).toBe('Robert');
  });

  story(
    'a second device shows the same rooms, messages and settings, and what one changes the other sees',
    async () => {
      const { alice, roomId } = await together();
      await alice.say(roomId, 'from the telephone');
      await alice.client.setAccountData('org.example.theme' as never, { colour: 'dark' } as never);
      const computer = await AppUser.logIn(server().url, alice.userId);
      open.push(computer);
      await computer.open();
      await computer.message(roomId, 'from the telephone');
      const theme = (person: AppUser) => person.client.getAccountData('org.example.theme' as never)?.getContent();
      expect(theme(computer)).toEqual({ colour: 'dark' });

      await computer.client.setAccountData('org.example.theme' as never, { colour: 'light' } as never);
      await eventually(() => expect(theme(alice)).toEqual({ colour: 'light' }));
      await computer.say(roomId, 'from the computer');
      await alice.message(roomId, 'from the computer');
      expect(alice.texts(roomId)).toEqual(['from the telephone', 'from the computer']);
      expect(alice.client.getDeviceId()).not.toBe(computer.client.getDeviceId());
    },
  );

  story('who logs out is out on that device only', async () => {
    const alice = await arrive('alice');
    const computer = await AppUser.logIn(server().url, alice.userId);
    await computer.client.logout(true);
    await expect(computer.client.whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', httpStatus: 401 });
    expect((await alice.client.whoami()).user_id).toBe(alice.userId);
  });
}
