/** What the domain needs of the world. Storage, bus and the other services implement it; nothing here knows how. */
export type * from './ports/account-store.js';
export type * from './ports/account-validity-store.js';
export type * from './ports/device-store.js';
export type * from './ports/email-store.js';
export type * from './ports/identity-servers.js';
export type * from './ports/nonce-store.js';
export type * from './ports/notice-rooms.js';
export type * from './ports/registration-token-store.js';
export type * from './ports/session-store.js';
export type * from './ports/short-token-store.js';
export type * from './ports/successions.js';
export type * from './ports/surroundings.js';
export type * from './ports/third-party-id-store.js';
export type * from './ports/uia-session-store.js';
export type * from './ports/user-data-stores.js';
export type * from './ports/user-directory-stores.js';
