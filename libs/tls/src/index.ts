export { type Pem, type PemFiles, RenewedPem } from './renewed-pem.js';
