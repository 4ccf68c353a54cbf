import type { Stage } from './user-interactive-auth.js';

/** One language of one of the documents that new users agree to. */
export interface TermsDocument {
  readonly policy: string;
  readonly version: string;
  readonly language: string;
  readonly name: string;
  readonly url: string;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#terms-of-service-at-registration */
export class Terms {
  /** Agreeing to all documents; it shows the version of each policy. */
  readonly stage: Stage;

  constructor(documents: readonly TermsDocument[]) {
    const policies: Record<string, Record<string, unknown>> = {};
    for (const { policy, version, language, name, url } of documents) {
      policies[policy] = { ...policies[policy], version, [language]: { name, url } };
    }
    const versions = Object.fromEntries(documents.map(({ policy, version }) => [policy, version]));
    this.stage = { params: { policies }, attempt: async () => versions };
  }
}
