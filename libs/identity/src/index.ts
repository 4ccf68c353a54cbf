export { IdentityAgent, unreachable } from './identity-agent.js';
