import {
  crossSigningEdit,
  hasNothingNew,
  readCrossSigningKeys,
  type UploadedCrossSigningKeys,
} from './cross-signing-keys.js';
import type {
  Announcements,
  Challenge,
  InteractiveAuth,
  InteractiveRequest,
  KeyEdit,
  KeyStore,
  UserKeys,
} from './ports.js';

/** The keys that users sign their devices and each other with. @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
export class CrossSigning {
  constructor(
    private readonly keys: KeyStore,
    private readonly auth: InteractiveAuth,
    private readonly announcements: Announcements,
  ) {}

  /**
   * Publishes a user's cross-signing keys. Who has some already has to show who they are before they replace any: the
   * challenge, if that is still to be done.
   *
   * @throws MatrixError M_BAD_JSON, M_FORBIDDEN, M_MISSING_PARAM, M_INVALID_SIGNATURE
   */
  async upload(request: InteractiveRequest, uploaded: UploadedCrossSigningKeys): Promise<Challenge | undefined> {
    const { userId } = request;
    const keys = readCrossSigningKeys(userId, uploaded);
    const edit = (known: UserKeys) => crossSigningEdit(userId, known, uploaded, keys);
    const isFree = (known: UserKeys) => !known.crossSigning.has('master') || hasNothingNew(known, keys);
    const first = await this.#change(userId, (known) => {
      const wanted = edit(known);
      return isFree(known) ? wanted : undefined;
    });
    if (first) return undefined;
    const challenge = await this.auth.authenticate(request);
    if (challenge !== undefined) return challenge;
    await this.#change(userId, edit);
    return undefined;
  }

  /** Whether it was done: `edit` may decide against it. */
  async #change(userId: string, edit: (known: UserKeys) => KeyEdit | undefined): Promise<boolean> {
    let isDone = true;
    const change = await this.keys.edit(userId, (known) => {
      const wanted = edit(known);
      isDone = wanted !== undefined;
      return wanted ?? {};
    });
    if (change !== undefined) this.announcements.changed(change);
    return isDone;
  }
}
