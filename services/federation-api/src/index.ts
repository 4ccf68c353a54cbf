export { federationApiModule } from './federation-api.module.js';
