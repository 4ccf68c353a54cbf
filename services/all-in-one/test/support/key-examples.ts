import { CrossSigner, CryptoDevice } from '@ganglion/testing';
import type { Person } from './person.js';
import type { Example, MakeExample, Scene } from './scene.js';

const V3 = '/_matrix/client/v3';
const BACKUP = `${V3}/room_keys/version`;
const KEYS = `${V3}/room_keys/keys`;
const ROOM_KEYS = `${KEYS}/:roomId`;
const SESSION_KEYS = `${ROOM_KEYS}/:sessionId`;

const devices = new WeakMap<Person, CryptoDevice>();
const signers = new WeakMap<Person, CrossSigner>();

/** The keys that somebody has once and for all. */
function deviceOf(person: Person): CryptoDevice {
  const device = devices.get(person) ?? new CryptoDevice(person.userId, person.deviceId);
  devices.set(person, device);
  return device;
}

function signerOf(person: Person): CrossSigner {
  const signer = signers.get(person) ?? new CrossSigner(person.userId);
  signers.set(person, signer);
  return signer;
}

/** A device with its keys, of which one is left. */
async function withKeys({ person }: Scene): Promise<CryptoDevice> {
  const device = deviceOf(person);
  const keys = { device_keys: device.keys(), one_time_keys: device.oneTimeKeys(1) };
  await person.must('POST', 'keys/upload', keys);
  return device;
}

const KEY = {
  first_message_index: 1,
  forwarded_count: 0,
  is_verified: true,
  // What depends on the algorithm is the client's own.
  session_data: {},
};
const INFO = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} };

/** A backup with one key in it. */
async function withBackup({ person, roomId }: Scene): Promise<string> {
  const { version } = await person.must('POST', 'room_keys/version', INFO);
  const rooms = { [roomId]: { sessions: { session: KEY } } };
  await person.must('PUT', `room_keys/keys?version=${version}`, { rooms });
  return version;
}

const onBackup = (body?: Example['body']): MakeExample => {
  return async (scene) => ({ params: { version: await withBackup(scene) }, ...(body && { body }) });
};
/** An example below `room_keys/keys`, by the names of the route's parameters. */
const inBackup = (
  names: readonly ('roomId' | 'sessionId')[],
  body?: (scene: Scene) => Example['body'],
): MakeExample => {
  return async (scene) => {
    const params = { roomId: scene.roomId, sessionId: 'session' };
    const given = body?.(scene);
    return {
      params: Object.fromEntries(names.map((name) => [name, params[name]])),
      query: { version: await withBackup(scene) },
      ...(given && { body: given }),
    };
  };
};
const IN_ROOM = ['roomId'] as const;
const IN_SESSION = ['roomId', 'sessionId'] as const;

const DEHYDRATED = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';

let dehydratedDevices = 0;

/** Each has an id of its own, as its clients take it from its keys. */
function newDehydrated({ person }: Scene) {
  dehydratedDevices += 1;
  const device = new CryptoDevice(person.userId, `DEHYDRATED${dehydratedDevices}`);
  return {
    device_id: device.deviceId,
    device_data: { algorithm: 'org.example.pickle' },
    initial_device_display_name: 'Dehydrated device',
    ...{ device_keys: device.keys(), one_time_keys: device.oneTimeKeys(1), fallback_keys: device.fallbackKey() },
  };
}

async function withDehydrated(scene: Scene): Promise<string> {
  const { device_id } = await scene.person.must('PUT', DEHYDRATED, newDehydrated(scene));
  return device_id;
}

const signingKeys: MakeExample = ({ person }) => ({ body: { ...signerOf(person).upload() } });

const signatures: MakeExample = async (scene) => {
  const device = await withKeys(scene);
  const signer = signerOf(scene.person);
  await scene.person.must('POST', 'keys/device_signing/upload', signer.upload());
  // Whatever is wrong with a signed object is told of it alone.
  return { freeForm: true, body: { [device.userId]: { [device.deviceId]: signer.signDevice(device.keys()) } } };
};

/** Examples of the endpoints for end-to-end encryption. */
export const KEY_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`POST ${V3}/keys/upload`]: ({ person }) => {
    const device = deviceOf(person);
    const keys = { one_time_keys: device.oneTimeKeys(1), fallback_keys: device.fallbackKey() };
    return { body: { device_keys: device.keys(), ...keys } };
  },
  [`PUT ${DEHYDRATED}`]: (scene) => ({ body: newDehydrated(scene) }),
  [`GET ${DEHYDRATED}`]: async (scene) => {
    await withDehydrated(scene);
    return {};
  },
  [`DELETE ${DEHYDRATED}`]: async (scene) => {
    await withDehydrated(scene);
    return {};
  },
  [`GET ${DEHYDRATED}/:deviceId/events`]: async (scene) => ({
    params: { deviceId: await withDehydrated(scene) },
    query: { from: 's0' },
  }),
  [`POST ${DEHYDRATED}/:deviceId/events`]: async (scene) => ({
    params: { deviceId: await withDehydrated(scene) },
    body: { next_batch: 's0' },
  }),
  [`POST ${V3}/keys/query`]: ({ person, other }) => ({
    body: { timeout: 1_000, device_keys: { [person.userId]: [], [other.userId]: [other.deviceId] } },
  }),
  [`POST ${V3}/keys/claim`]: async (scene) => {
    const { userId, deviceId } = await withKeys(scene);
    return { body: { timeout: 1_000, one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } } };
  },
  ...Object.fromEntries(
    [V3, '/_matrix/client/unstable'].flatMap((prefix) => [
      [`POST ${prefix}/keys/device_signing/upload`, signingKeys],
      [`POST ${prefix}/keys/signatures/upload`, signatures],
    ]),
  ),
  [`POST ${BACKUP}`]: () => ({ body: INFO }),
  [`GET ${BACKUP}`]: async (scene) => {
    await withBackup(scene);
    return {};
  },
  [`GET ${BACKUP}/:version`]: onBackup(),
  [`PUT ${BACKUP}/:version`]: onBackup(INFO),
  [`DELETE ${BACKUP}/:version`]: onBackup(),
  [`PUT ${KEYS}`]: inBackup([], ({ roomId }) => ({ rooms: { [roomId]: { sessions: { other: KEY } } } })),
  [`PUT ${ROOM_KEYS}`]: inBackup(IN_ROOM, () => ({ sessions: { other: KEY } })),
  [`PUT ${SESSION_KEYS}`]: inBackup(IN_SESSION, () => KEY),
  [`GET ${KEYS}`]: inBackup([]),
  [`GET ${ROOM_KEYS}`]: inBackup(IN_ROOM),
  [`GET ${SESSION_KEYS}`]: inBackup(IN_SESSION),
  [`DELETE ${KEYS}`]: inBackup([]),
  [`DELETE ${ROOM_KEYS}`]: inBackup(IN_ROOM),
  [`DELETE ${SESSION_KEYS}`]: inBackup(IN_SESSION),
};
