import { canonicalEmail, domainOf } from '@ganglion/protocol';
import { withAddress } from './email-failures.js';
import { EMAIL, type EmailCredentials, type Emails } from './emails.js';
import type {
  Binding,
  BoundAt,
  IdentityProof,
  IdentityServers,
  Requester,
  ThirdPartyAddress,
  ThirdPartyId,
  ThirdPartyIdStore,
} from './ports.js';
import { PASSWORD_FLOWS } from './uia-stages.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

/** At once: an identity server may keep each waiting. */
const SWEEP_BATCH = 20;

type Owner = Pick<Requester, 'userId'>;

/** What users can be reached by outside Matrix. @see https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information */
export class ThirdPartyIds {
  constructor(
    private readonly store: ThirdPartyIdStore,
    private readonly emails: Emails,
    private readonly identityServers: IdentityServers,
  ) {}

  /** The oldest first. */
  list({ userId }: Owner): Promise<ThirdPartyId[]> {
    return this.store.list(userId);
  }

  /**
   * Adds an address whose owner has followed the link in the e-mail.
   *
   * @throws UiaChallenge
   * @throws MatrixError M_THREEPID_AUTH_FAILED when it was not followed, M_THREEPID_IN_USE when it is somebody's
   */
  async add({ userId }: Owner, credentials: EmailCredentials, attempt: InteractiveAttempt): Promise<void> {
    await attempt.pass(PASSWORD_FLOWS);
    const { sessionId } = await this.emails.confirmed(credentials, 'contact', domainOf(userId));
    await withAddress(() => this.store.add(userId, sessionId, attempt.completion(null)));
  }

  /** Whether a session shows that an address is theirs to add, rather than something that an identity server has to be asked about. */
  isOurs({ userId }: Owner, credentials: EmailCredentials): Promise<boolean> {
    return this.emails.isConfirmed(credentials, 'contact', domainOf(userId));
  }

  /** Lets the user be found at an identity server. @throws MatrixError what the identity server refuses with */
  async bind({ userId }: Owner, proof: IdentityProof): Promise<void> {
    const id = await this.identityServers.bind(userId, proof);
    await this.store.bind(userId, canonical(id), { idServer: proof.idServer, written: id.address });
  }

  /**
   * Lets the user be found no more at an identity server, or at all that are known.
   *
   * @returns false when one did not do it, or none is known
   */
  async unbind({ userId }: Owner, given: ThirdPartyAddress, idServer: string | undefined): Promise<boolean> {
    const id = canonical(given);
    const known = await this.store.boundAt(userId, id);
    const named = (server: string) => known.find((at) => at.idServer === server) ?? unknownAt(server, id);
    const places = idServer === undefined ? known : [named(idServer)];
    const results = await Promise.all(places.map((at) => this.#undo({ ...at, userId, id })));
    return results.length > 0 && results.every((unbound) => unbound);
  }

  /** Takes an address away, and lets the user be found no more by it. As unbind. */
  async remove(owner: Owner, given: ThirdPartyAddress, idServer: string | undefined): Promise<boolean> {
    await this.store.remove(owner.userId, canonical(given));
    return this.unbind(owner, given, idServer);
  }

  /** Lets somebody be found no more at an identity server, or nowhere; false when one did not do it. */
  async unbindAll(owner: Owner, idServer: string | undefined): Promise<boolean> {
    const bindings = await this.store.bindings(owner.userId);
    const results = await Promise.all(bindings.map((id) => this.unbind(owner, id, idServer)));
    return results.every((unbound) => unbound);
  }

  /** Undoes what still lets people be found whose accounts have ended: an identity server was away then, or a process died. */
  async sweep(): Promise<void> {
    const bindings = await this.store.claimLeftBehind(SWEEP_BATCH);
    await Promise.all(bindings.map((binding) => this.#undo(binding)));
  }

  async #undo({ userId, id, idServer, written }: Binding): Promise<boolean> {
    const unbound = await this.identityServers.unbind(userId, { ...id, address: written }, idServer);
    if (unbound) await this.store.unbind(userId, id, idServer);
    return unbound;
  }
}

/** What was bound without us is asked for as we write it. */
function unknownAt(idServer: string, { address }: ThirdPartyAddress): BoundAt {
  return { idServer, written: address };
}

/** As it is stored, whatever letters it is written with. */
function canonical(id: ThirdPartyAddress): ThirdPartyAddress {
  return id.medium === EMAIL ? { ...id, address: canonicalEmail(id.address) ?? id.address } : id;
}
