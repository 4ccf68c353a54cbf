export { type Answer, Answers, type Call, Calls, type Failure } from './gen/ganglion/rpc/v1/calls.js';
