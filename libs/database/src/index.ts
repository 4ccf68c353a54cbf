export { Database, type DatabaseOptions } from './database.js';
export { isConnectionError, isRetryable, isUniqueViolation } from './errors.js';
export { Lease, LeaseLostError, type LeaseOptions, type Term } from './lease.js';
export { migrate } from './migrations.js';
export { checkSchema, type Migration, type SchemaDefinition, SchemaError, type SchemaState } from './schema.js';
export type { Queryable, Statement } from './statement.js';
export type { Transaction, TransactionOptions } from './transaction.js';
