/** By itself, as it takes five megabytes as soon as it is loaded: who neither signs nor verifies does not. */
export { default } from 'libsodium-wrappers';
