export { type CallScope, currentScope, remainingMs, withinScope } from './call-scope.js';
export type { RpcClientOptions } from './caller.js';
export { createRpcClient } from './client.js';
export type { MessageCodec, MethodDefinition, ServiceDefinition } from './definition.js';
export { RpcCancelledError, RpcDeadlineError, RpcError, RpcInternalError, RpcUnavailableError } from './errors.js';
export { type Address, dnsEndpoints, parseEndpoints, type Resolver, staticEndpoints } from './resolver.js';
export { RpcServer, type RpcServerOptions } from './server.js';
export type { TlsFiles } from './tls.js';
