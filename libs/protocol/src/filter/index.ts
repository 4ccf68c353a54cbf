export * from './compile-filter.js';
export * from './event-fields.js';
export {
  CompiledEventFilter,
  CompiledRoomEventFilter,
  FILTER_LIMITS,
  type FilterableEvent,
  type FilterableRelation,
  type FilterLimits,
} from './event-filter.js';
export * from './filter.js';
export * from './parse-filter.js';
export * from './property-path.js';
