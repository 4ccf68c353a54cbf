export { RemoteRefusal, UnreachableServerError } from './errors.js';
export { FederationAgent, type FederationRequest } from './federation-agent.js';
export { AskedBy, FederationGuard, SignedBody } from './federation-guard.js';
export { type Asked, RequestAuthentication } from './request-authentication.js';
export type { ServerPolicy } from './server-policy.js';
