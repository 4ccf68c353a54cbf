/** Of what is told of users, so much goes in one call: a transaction of another server may bring tens of thousands. */
export const MAX_EDUS_TOLD = 500;
