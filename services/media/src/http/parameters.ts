import { booleanText, serverName, text } from '@ganglion/http/values';
import { z } from 'zod';

const mediaId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,255}$/, 'is not a media id: letters of ASCII, digits, _ and -, at most 255 of them');
const fileName = text.max(255, 'must not be longer than 255 characters');

export const filePath = z.object({ serverName, mediaId });
export const namedFilePath = z.object({ serverName, mediaId, fileName });
export type FilePath = z.output<typeof filePath>;
export type NamedFilePath = z.output<typeof namedFilePath>;

export const uploadQuery = z.object({ filename: fileName.optional() });
export type UploadQuery = z.output<typeof uploadQuery>;

const milliseconds = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a number of milliseconds')
  .transform(Number);

/** How long somebody waits for what is yet to be uploaded, when they do not say. */
const DEFAULT_TIMEOUT_MS = 20_000;

export const downloadQuery = z.object({
  timeout_ms: milliseconds.default(DEFAULT_TIMEOUT_MS),
  allow_remote: booleanText.default(true),
  allow_redirect: booleanText.default(false),
});
export type DownloadQuery = z.output<typeof downloadQuery>;

export const mediaPath = filePath.pick({ mediaId: true });
export type MediaPath = z.output<typeof mediaPath>;

export const previewQuery = z.object({
  url: z.string().max(8_192, 'must not be longer than 8192 characters'),
  /** Previews are of about now, whatever time is preferred. */
  ts: milliseconds.optional(),
});
export type PreviewQuery = z.output<typeof previewQuery>;

/** More than any screen has; larger ones would be of no use. */
const MAX_SIDE = 16_384;
const side = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a whole number of pixels')
  .transform(Number)
  .refine((pixels) => pixels >= 1 && pixels <= MAX_SIDE, `must be from 1 to ${MAX_SIDE} pixels`);

export const thumbnailQuery = downloadQuery.extend({
  width: side,
  height: side,
  method: z.enum(['crop', 'scale']).default('scale'),
  animated: booleanText.default(false),
});
export type ThumbnailQuery = z.output<typeof thumbnailQuery>;

/** Another server gets what is ours, and from nowhere else. */
const never = booleanText.default(false).transform(() => false);
const ofOurs = { allow_remote: never, allow_redirect: never };
export const federatedQuery = downloadQuery.extend(ofOurs);
export type FederatedQuery = z.output<typeof federatedQuery>;
export const federatedThumbnailQuery = thumbnailQuery.extend(ofOurs);
export type FederatedThumbnailQuery = z.output<typeof federatedThumbnailQuery>;
