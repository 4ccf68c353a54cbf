export type { AuthOptions } from './auth-context.js';
export type { AuthState } from './auth-state.js';
export { type AuthType, authTypesForEvent, type EventOutline } from './auth-types.js';
export { checkAuth } from './check-auth.js';
export { type AuthEventsOptions, checkAuthEvents } from './check-auth-events.js';
export { ALLOWED, type Allowed, type AuthDecision, type Refused } from './decision.js';
export { type PowerLevels, powerLevelsOf } from './power-levels.js';
export { redactionApplies } from './redaction-applies.js';
