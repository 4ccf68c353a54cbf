export { authDifference } from './auth-difference.js';
export { AuthGraph, type EventLookup } from './auth-graph.js';
export { conflictedSubgraph } from './conflicted-subgraph.js';
export { type SplitState, splitState } from './conflicts.js';
export { iterativeAuthChecks } from './iterative-auth-checks.js';
export { mainlineSort } from './mainline-sort.js';
export { powerEventsAndChains } from './power-events.js';
export { resolveState } from './resolve-state.js';
export { reverseTopologicalPowerSort } from './reverse-topological-power-sort.js';
