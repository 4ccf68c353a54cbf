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

it('/sync tells a device what keys it has left, and whether its fallback key was given out', async () => {
  const person = await Person.register(replica.url);
  const device = new CryptoDevice(person.userId, person.deviceId);
  const told = async () => {
    const { device_one_time_keys_count, device_unused_fallback_key_types } = await person.must('GET', 'sync');
    return [device_one_time_keys_count, device_unused_fallback_key_types];
  };
  const claim = () =>
    person.must('POST', 'keys/claim', {
      one_time_keys: { [person.userId]: { [person.deviceId]: 'signed_curve25519' } },
    });
  expect(await told()).toEqual([{}, []]);
  const keys = { one_time_keys: device.oneTimeKeys(2), fallback_keys: device.fallbackKey() };
  await person.must('POST', 'keys/upload', { device_keys: device.keys(), ...keys });
  await eventually(async () => expect(await told()).toEqual([{ signed_curve25519: 2 }, ['signed_curve25519']]));
  await claim();
  await eventually(async () => expect(await told()).toEqual([{ signed_curve25519: 1 }, ['signed_curve25519']]));
  for (let i = 0; i < 2; i++) await claim();
  await eventually(async () => expect(await told()).toEqual([{}, []]));
});
