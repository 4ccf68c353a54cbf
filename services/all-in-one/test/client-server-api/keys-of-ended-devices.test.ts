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
