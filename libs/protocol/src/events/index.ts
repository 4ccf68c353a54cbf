export * from './client-event.js';
export * from './federation-event.js';
export * from './invalid-pdu-error.js';
export * from './limits.js';
export * from './parse-pdu.js';
export * from './pdu.js';
export * from './redacts.js';
export * from './stripped-state.js';
