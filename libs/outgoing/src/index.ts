export type { AddressLookup } from './checked-connector.js';
export { OutgoingError, type OutgoingFault } from './errors.js';
export {
  Outgoing,
  type OutgoingAnswer,
  type OutgoingOptions,
  type OutgoingRequest,
  type OutgoingStream,
} from './outgoing.js';
