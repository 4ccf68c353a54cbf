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
}

/** The ways to get an account. Where nothing is asked of anybody, they have to say that they want one. */
export function registrationFlows({ token, terms }: Entrance): readonly Flow[] {
  const stages = [...(token ? [REGISTRATION_TOKEN] : []), ...(terms ? [TERMS] : [])];
  return [stages.length === 0 ? [DUMMY] : stages];
}

/** On what terms somebody is let in who has passed one of the flows. */
export function admissionOf(evidence: Evidence): Admission {
  return {
    registrationToken: evidence[REGISTRATION_TOKEN] as string | undefined,
    acceptedTerms: evidence[TERMS] as Admission['acceptedTerms'],
  };
}
