import { eventually } from '@ganglion/testing';
import { ClientEvent, EventType, Method } from 'matrix-js-sdk';
import type { ShowSasCallbacks, Verifier } from 'matrix-js-sdk/lib/crypto-api/index.js';
import {
  CryptoEvent,
  VerificationPhase,
  type VerificationRequest,
  VerifierEvent,
} from 'matrix-js-sdk/lib/crypto-api/index.js';
import type { AppUser } from './app-user.js';

/** What encrypts for an app. */
export function cryptoOf({ client }: AppUser) {
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error(`${client.getUserId()} does not encrypt`);
  return crypto;
}

/** Sets a user up on their first device: cross-signing keys, a recovery key, and a backup of the keys of rooms. */
export async function setUpEncryption(user: AppUser): Promise<void> {
  const crypto = cryptoOf(user);
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (send) => void (await send(null)) });
  const recovery = await crypto.createRecoveryKeyFromPassphrase();
  user.recoveryKey = recovery.privateKey;
  await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => recovery, setupNewKeyBackup: true });
  await eventually(async () => expect(await crypto.isCrossSigningReady()).toBe(true));
}

/** Resolves when the key of a room is in the backup: apps take up to ten seconds before they begin. */
export async function backedUp({ client }: AppUser): Promise<void> {
  const count = async () =>
    (await client.http.authedRequest<{ count: number }>(Method.Get, '/room_keys/version')).count;
  await eventually(async () => expect(await count()).toBe(1), 30_000);
}

/**
 * The verifications under way. The SDK holds on to them only weakly: in an app, a screen shows them. Without one, they
 * would now and then be collected in the middle, and never end.
 */
const shownOnScreens = new Set<unknown>();

/** Two devices of one user compare emoji; resolves when each has verified the other. */
export async function verifyByEmoji(asking: AppUser, asked: AppUser): Promise<void> {
  const offered = new Promise<VerificationRequest>((resolve) => {
    asked.client.once(CryptoEvent.VerificationRequestReceived, resolve);
  });
  const request = await cryptoOf(asking).requestOwnUserVerification();
  const incoming = await offered;
  const screens = [request, incoming];
  shownOnScreens.add(screens);
  await incoming.accept();
  await eventually(() => expect(request.phase).toBe(VerificationPhase.Ready));
  const verifier = await request.startVerification('m.sas.v1');
  const other = await eventually(() => {
    if (incoming.verifier === undefined) throw new Error('the other device does not verify yet');
    return incoming.verifier;
  });
  const shown = Promise.all([emojiOf(verifier), emojiOf(other)]);
  const verified = Promise.all([verifier.verify(), other.verify()]);
  await Promise.race([shown, verified]);
  const [here, there] = await shown;
  expect(here.sas.emoji).toHaveLength(7);
  expect(there.sas.emoji).toEqual(here.sas.emoji);
  // An app that hears of the other's confirmation says `done` at once, even beside its own confirmation that is on its way;
  // `done` may then come first, and is not understood. So the second confirms when it has heard of the first.
  const heard = new Promise<void>((resolve) => {
    asked.client.on(ClientEvent.ReceivedToDeviceMessage, ({ message }) => {
      if (message.type === EventType.KeyVerificationMac) resolve();
    });
  });
  await here.confirm();
  await heard;
  await there.confirm();
  await verified;
  shownOnScreens.delete(screens);
}

/** Resolves with what a device shows for comparison. */
function emojiOf(verifier: Verifier): Promise<ShowSasCallbacks> {
  return new Promise((resolve) => verifier.once(VerifierEvent.ShowSas, resolve));
}
