import { EMAIL_IDENTITY, type ShownEmail } from './email-stage.js';
import type { Admission } from './ports.js';
import type { Flow } from './uia-challenge.js';
import type { Evidence } from './uia-sessions.js';

export const REGISTRATION_TOKEN = 'm.login.registration_token';
export const TERMS = 'm.login.terms';
const DUMMY = 'm.login.dummy';

/** What is asked of new users. */
export interface Entrance {
  readonly token: boolean;
  readonly terms: boolean;
  /** Whether they may, or must, show that an e-mail address is theirs; undefined where no e-mail is sent. */
  readonly email: 'optional' | 'required' | undefined;
}

/** The ways to get an account. Where nothing is asked of anybody, they have to say that they want one. */
export function registrationFlows({ token, terms, email }: Entrance): readonly Flow[] {
  const stages = [...(token ? [REGISTRATION_TOKEN] : []), ...(terms ? [TERMS] : [])];
  const without = stages.length === 0 ? [DUMMY] : stages;
  const withEmail = [...stages, EMAIL_IDENTITY];
  if (email === undefined) return [without];
  return email === 'required' ? [withEmail] : [without, withEmail];
}

/** On what terms somebody is let in who has passed one of the flows. */
export function admissionOf(evidence: Evidence): Admission {
  return {
    registrationToken: evidence[REGISTRATION_TOKEN] as string | undefined,
    acceptedTerms: evidence[TERMS] as Admission['acceptedTerms'],
    emailSession: (evidence[EMAIL_IDENTITY] as ShownEmail | undefined)?.sessionId,
  };
}
