/** The registration token that somebody was let in with has been used up by others meanwhile, or is over: nothing has changed. */
export class RegistrationTokenSpentError extends Error {
  override readonly name = 'RegistrationTokenSpentError';
}
