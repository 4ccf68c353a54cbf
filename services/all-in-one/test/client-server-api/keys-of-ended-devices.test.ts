import { CryptoDevice, eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());

it('who shares a room with a user hears of devices without keys that log in, are renamed and log out', async () => {
  const [person, other] = [await Person.register(replica.url), await Person.register(replica.url)];
  const roomId = await person.createRoom({ preset: 'public_chat' });
  await other.must('POST', `join/${roomId}`);
  const since = new Map<Person, string>();
  for (const one of [person, other]) since.set(one, (await one.must('GET', 'sync')).next_batch);
  const isTold = async () => {
    for (const one of [person, other]) {
      await eventually(async () => {
        const { next_batch, device_lists } = await one.must('GET', `sync?since=${since.get(one)}`);
        expect(device_lists?.changed).toEqual([person.userId]);
        since.set(one, next_batch);
      }, 20_000);
    }
  };
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: person.userId } };
  const answer = await person.must('POST', 'login', { ...login, password: person.password, device_id: 'TABLET' });
  await isTold();
  await person.must('PUT', 'devices/TABLET', { display_name: 'my tablet' });
  await isTold();
  await new Person(replica.url, person.userId, 'TABLET', answer.access_token, '').must('POST', 'logout');
  await isTold();
}, 90_000);

it('go when the device is logged out, and those of others stay', async () => {
  const [person, other] = [await Person.register(replica.url), await Person.register(replica.url)];
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: person.userId } };
  const answer = await person.must('POST', 'login', { ...login, password: person.password, device_id: 'TABLET' });
  const tablet = new Person(replica.url, person.userId, 'TABLET', answer.access_token, person.password);
  for (const one of [person, tablet]) {
    const device = new CryptoDevice(one.userId, one.deviceId);
    await one.must('POST', 'keys/upload', { device_keys: device.keys(), one_time_keys: device.oneTimeKeys(1) });
  }
  const devices = async () => {
    const { device_keys } = await other.must('POST', 'keys/query', { device_keys: { [person.userId]: [] } });
    return Object.keys(device_keys[person.userId]).sort();
  };
  expect(await devices()).toEqual([person.deviceId, 'TABLET'].sort());
  await tablet.must('POST', 'logout');
  await eventually(async () => expect(await devices()).toEqual([person.deviceId]));
});
