/** The largest message that either side takes, in bytes. */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
