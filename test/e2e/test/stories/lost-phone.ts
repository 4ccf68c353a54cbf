import { eventually, PASSWORD } from '@ganglion/testing';
import { HttpApiEvent } from 'matrix-js-sdk';
import { AppUser } from '../support/app-user.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

const LOGGED_OUT = { errcode: 'M_UNKNOWN_TOKEN', httpStatus: 401 };

/** An office that loses a telephone on which people were logged in. */
export function lostPhone(server: Server, story: Story): void {
  const open: AppUser[] = [];
  afterEach(() => {
    for (const person of open.splice(0)) person.close();
  });

  async function opened(app: AppUser): Promise<AppUser> {
    open.push(app);
    return app.open();
  }

  /** Somebody at their desk, whose telephone is on the way. */
  async function colleague(name: string) {
    const desk = await opened(await AppUser.register(server().url, fresh(name)));
    const phone = await opened(await AppUser.logIn(server().url, desk.userId));
    const ended = new Promise<void>((resolve) => phone.client.once(HttpApiEvent.SessionLoggedOut, () => resolve()));
    return { desk, phone, ended };
  }

  /** Takes a device off the list of one's own, as apps do: first without the password, then with it. */
  async function remove(desk: AppUser, deviceId: string): Promise<void> {
    const { data } = await desk.client.deleteMultipleDevices([deviceId]).then(
      () => ({ data: { session: '' } }),
      (error) => error,
    );
    expect(data.flows).toEqual([{ stages: ['m.login.password'] }]);
    const identifier = { type: 'm.id.user', user: desk.userId };
    const auth = { type: 'm.login.password', identifier, password: PASSWORD, session: data.session };
    await desk.client.deleteMultipleDevices([deviceId], auth);
  }

  story(
    'everybody is logged out of it at once, and of nothing else; what is said from then on it does not get',
    async () => {
      const colleagues = await Promise.all([colleague('alice'), colleague('bob')]);
      const [alice, bob] = colleagues as [(typeof colleagues)[0], (typeof colleagues)[0]];
      const { room_id: roomId } = await alice.desk.client.createRoom({ name: 'The office', invite: [bob.desk.userId] });
      await bob.desk.sees('invite', roomId);
      await bob.desk.client.joinRoom(roomId);
      await Promise.all([alice.phone, bob.phone].map((phone) => eventually(() => phone.sees('join', roomId))));
      await alice.desk.say(roomId, 'Has anybody seen the telephone?');
      await Promise.all(
        [alice.phone, bob.phone].map((phone) => phone.message(roomId, 'Has anybody seen the telephone?')),
      );

      await Promise.all(colleagues.map(({ desk, phone }) => remove(desk, phone.client.getDeviceId() ?? '')));
      // The request in which each waited for news has ended with it.
      await Promise.all(colleagues.map(({ ended }) => ended));
      await alice.desk.say(roomId, 'The new code of the door is 1234');
      await bob.desk.message(roomId, 'The new code of the door is 1234');
      for (const { phone } of colleagues) {
        await eventually(() => expect(phone.client.whoami()).rejects.toMatchObject(LOGGED_OUT));
        await expect(phone.client.sendTextMessage(roomId, 'Buy gift cards')).rejects.toMatchObject(LOGGED_OUT);
        expect(phone.texts(roomId)).not.toContain('The new code of the door is 1234');
      }
      for (const { desk } of colleagues) {
        expect((await desk.client.getDevices()).devices.map(({ device_id }) => device_id)).toEqual([
          desk.client.getDeviceId(),
        ]);
        expect(desk.texts(roomId)).not.toContain('Buy gift cards');
      }
    },
  );

  story('a new password logs it out as well, and whoever has it does not get in again', async () => {
    const { desk, phone, ended } = await colleague('alice');
    const identifier = { type: 'm.id.user', user: desk.userId };
    const auth = { type: 'm.login.password', identifier, password: PASSWORD };
    await desk.client.setPassword(auth, 'another good password', true);
    await ended;
    await eventually(() => expect(phone.client.whoami()).rejects.toMatchObject(LOGGED_OUT));
    await expect(AppUser.logIn(server().url, desk.userId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect((await desk.client.whoami()).device_id).toBe(desk.client.getDeviceId());
  });
}
