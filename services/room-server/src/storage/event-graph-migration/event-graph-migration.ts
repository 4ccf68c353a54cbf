import { EVENTS } from './events.js';
import { ROOMS } from './rooms.js';
import { STATE_KEYS } from './state-keys.js';
import { STATES } from './states.js';

/**
 * From rooms that only grow in one line to a graph: states of numbered keys, events that may wait, be refused or have no
 * place, and edges to what is missing. Brings over what is there, in one transaction that reads each large table about once.
 */
export const EVENT_GRAPH = [STATE_KEYS, EVENTS, STATES, ROOMS].join('');
