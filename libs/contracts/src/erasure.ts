/**
 * The type of the account data that tells the other services of a user who was erased: `{"erased":true}`. No client can name it,
 * as it is empty, and no client is shown it.
 */
export const ERASURE_TYPE = '';
