import { eventId, roomId, text, userId } from '@ganglion/http/values';
import { z } from 'zod';

export const roomPath = z.object({ roomId });
export const eventPath = z.object({ eventId });
export const roomEventPath = z.object({ roomId, eventId });
export const roomUserPath = z.object({ roomId, userId });

/** Milliseconds since the epoch. */
export const timeText = text.regex(/^-?\d{1,15}$/, 'must be a time in milliseconds').transform(Number);
