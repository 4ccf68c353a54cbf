import { z } from 'zod';
import { count, milliseconds, path } from '../values.js';

const typePattern = z
  .string()
  .regex(
    /^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/,
    'a content type in lower case, such as image/png or image/*',
  );

const thumbnails = z
  .strictObject({
    processes: count.default(2).describe('Thumbnails made at the same time by one replica, each in a process.'),
    max_source_bytes: count.default(52_428_800).describe('Of larger files there are no thumbnails: M_TOO_LARGE.'),
    max_pixels: count
      .default(64_000_000)
      .describe('Of images with more pixels there are none either; all frames of an animation count.'),
    max_memory_bytes: count
      .default(536_870_912)
      .describe('A process that takes more for one image is ended, and the image has no thumbnail.'),
    timeout_ms: milliseconds.default(20_000).describe('An image that takes longer has no thumbnail.'),
  })
  .prefault({})
  .describe('Thumbnails of images, made when they are first asked for and then kept.');

const retention = z
  .strictObject({
    local_unused_ms: milliseconds.exactOptional().meta({
      description:
        'Files of our users that nobody has downloaded for so long are removed for good, but what is protected or an avatar of a user; by default never.',
      examples: [31_536_000_000],
    }),
    remote_unused_ms: milliseconds
      .default(2_592_000_000)
      .describe(
        'Files of other servers that nobody has downloaded for so long are removed; they can be fetched again.',
      ),
    remote_max_bytes: count.default(53_687_091_200).describe('What files of other servers may take together.'),
  })
  .prefault({})
  .describe('How long files are kept. Those of users who wished to be erased always go.');

export const media = z
  .strictObject({
    folder_dir: path.exactOptional().meta({
      description:
        'Folder that holds the files; replicas must share it. By default <data_dir>/media. It may not be changed by others.',
      examples: ['/srv/ganglion/media'],
    }),
    max_upload_bytes: count.default(104_857_600).describe('A larger upload is refused with M_TOO_LARGE.'),
    upload_idle_ms: milliseconds
      .default(60_000)
      .describe('An upload of which nothing arrives for so long is given up.'),
    user_quota_bytes: count.exactOptional().meta({
      description: 'What the uploads of one user may take together; by default any amount.',
      examples: [10_737_418_240],
    }),
    server_quota_bytes: count.exactOptional().meta({
      description: 'What the uploads of all users of a server name may take together; by default any amount.',
      examples: [1_099_511_627_776],
    }),
    allowed_types: z
      .array(typePattern)
      .default([])
      .meta({
        description:
          'Content types that may be uploaded; all of them when the list is empty. Encrypted files have the type application/octet-stream, and types are what clients say.',
        examples: [['image/*', 'application/octet-stream']],
      }),
    refused_types: z
      .array(typePattern)
      .default([])
      .meta({ description: 'Content types that may not be uploaded.', examples: [['application/x-msdownload']] }),
    unused_lifetime_ms: milliseconds
      .default(86_400_000)
      .describe('How long a client may take from making a URI to uploading what it stands for.'),
    max_pending_uploads: count.default(10).describe('URIs of one user that wait for their upload at most.'),
    unauthenticated_downloads: z
      .enum(['off', 'frozen', 'open'])
      .default('frozen')
      .describe(
        'Who may download from /_matrix/media/v3 without a token. off: nobody. frozen: anybody, but only what was uploaded while it was open. open: anybody.',
      ),
    thumbnails,
    retention,
  })
  .prefault({})
  .describe('Files that users upload.');
