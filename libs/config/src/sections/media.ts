import { z } from 'zod';
import { addressRange, caFile, contradiction, count, httpUrl, milliseconds, path } from '../values.js';

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
    prepare: z
      .boolean()
      .default(false)
      .describe(
        'Whether thumbnails of the sizes that the specification recommends are made as soon as an image is uploaded, when there is time.',
      ),
  })
  .prefault({})
  .describe('Thumbnails of images, made when they are first asked for, or before, and then kept.');

const retention = z
  .strictObject({
    local_unused_ms: milliseconds.exactOptional().meta({
      description:
        'Files of our users that nobody has downloaded for so long are removed for good, but what is protected or the avatar of a user or a room; by default never.',
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

const MIB = 1_048_576;

const s3 = z
  .strictObject({
    bucket: z
      .string()
      .min(1)
      .meta({ description: 'The bucket. It has to exist.', examples: ['ganglion-media'] }),
    prefix: z
      .string()
      .default('')
      .meta({ description: 'What the names of objects begin with.', examples: ['media/'] }),
    region: z.string().min(1).default('us-east-1').describe('The region of the bucket.'),
    endpoint: httpUrl
      .exactOptional()
      .meta({ description: 'Where a server other than that of Amazon is.', examples: ['https://s3.example.org'] }),
    path_style: z.boolean().default(false).describe('The bucket is in the path of URLs, and not in their host.'),
    access_key_id: z
      .string()
      .min(1)
      .exactOptional()
      .meta({
        description: "Who we are there. Without it, that is found where Amazon's own tools look for it.",
        examples: ['GANGLION'],
      }),
    secret_access_key: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ description: 'The key that belongs to it.', examples: ['change-me'] }),
    secret_access_key_file: path
      .exactOptional()
      .meta({ description: 'File that holds that key instead.', examples: ['/run/secrets/s3_secret_access_key'] }),
    encryption: z
      .enum(['AES256', 'aws:kms'])
      .exactOptional()
      .meta({ description: 'How the server encrypts what it keeps, if it is to be told.', examples: ['AES256'] }),
    kms_key_id: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ description: 'The key of aws:kms.', examples: ['alias/ganglion'] }),
    tls: z
      .strictObject({ ca_file: caFile })
      .exactOptional()
      .meta({ description: 'Trust this authority in the place of the well-known ones.' }),
    part_bytes: z
      .int()
      .min(5 * MIB)
      .default(5 * MIB)
      .describe('Larger files are sent in parts of this size.'),
    max_parts_in_memory: count
      .default(16)
      .describe('Parts of all uploads together that one replica has in memory; further ones wait.'),
    max_attempts: count.default(5).describe('How often a request is tried.'),
    timeout_ms: milliseconds.default(30_000).describe('A connection on which nothing happens for so long is given up.'),
    redirect_downloads: z
      .boolean()
      .default(false)
      .describe(
        'Whether clients that allow it are sent to the bucket itself, by links that are good for a while. It has to be reachable for them.',
      ),
    redirect_lifetime_ms: milliseconds.default(300_000).describe('How long such a link is good.'),
  })
  .superRefine(({ access_key_id, secret_access_key, secret_access_key_file }, context) => {
    if ((access_key_id === undefined) === ((secret_access_key ?? secret_access_key_file) === undefined)) return;
    context.addIssue(contradiction('Give both access_key_id and secret_access_key, or neither.', 'access_key_id'));
  });

const previews = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether this server looks at pages whose URLs users send, and tells what is there.'),
    allowed_networks: z
      .array(addressRange)
      .default([])
      .meta({
        description:
          'Private addresses and networks that may be looked at all the same. Nothing else that is not of the Internet is.',
        examples: [['10.1.2.3', '192.168.7.0/24']],
      }),
    denied_hosts: z
      .array(z.string().regex(/^[A-Za-z0-9.*:[\]_-]{1,255}$/, 'a host in which * stands for anything'))
      .default([])
      .meta({ description: 'Hosts that are not looked at.', examples: [['*.internal.example.org']] }),
    timeout_ms: milliseconds.default(10_000).describe('How long a page may take, and then its picture.'),
    max_redirects: count.default(5).describe('How often one may lead to another.'),
    max_page_bytes: count.default(1_048_576).describe('How much of a page is read.'),
    max_image_bytes: count.default(10_485_760).describe('A larger picture is left out.'),
    lifetime_ms: milliseconds
      .default(3_600_000)
      .describe('How long a preview is shown before the page is looked at again.'),
    accept_language: z
      .string()
      .regex(/^[A-Za-z0-9,;=.* -]{1,100}$/, 'languages, such as de,en;q=0.7')
      .default('en')
      .describe('In which languages pages are wanted.'),
  })
  .prefault({})
  .describe('Previews of URLs.');

const scanner = z.strictObject({
  url: z
    .string()
    .refine((value) => URL.canParse(value) && /^(?:https?|icap):$/.test(new URL(value).protocol), {
      error: 'a URL that begins with http://, https:// or icap://',
    })
    .meta({
      description:
        'Who judges files before anybody gets them. Over HTTP, it gets the bytes by POST and answers {"allowed": true}, or false with a "reason". Over ICAP, as c-icap with ClamAV behind it, it is asked whether it would let them through.',
      examples: ['icap://clamav:1344/avscan'],
    }),
  timeout_ms: milliseconds.default(60_000).describe('How long it may take for one file.'),
  when_unavailable: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe('What becomes of files that nobody can judge right now.'),
});

export const media = z
  .strictObject({
    folder_dir: path.exactOptional().meta({
      description:
        'Folder that holds the files; replicas must share it. By default <data_dir>/media. It may not be changed by others.',
      examples: ['/srv/ganglion/media'],
    }),
    s3: s3
      .exactOptional()
      .meta({ description: 'Keep files in a bucket of S3, or of what speaks its language, and not in a folder.' }),
    previous_store: z
      .strictObject({
        folder_dir: path
          .exactOptional()
          .meta({ description: 'The folder that held the files.', examples: ['/srv/ganglion/media'] }),
        s3: s3.exactOptional().meta({ description: 'The bucket that held the files; as above.' }),
      })
      .exactOptional()
      .meta({
        description:
          'Where files were before, while they are being moved: what is not in the new place is read here. `ganglion media move` moves them.',
      }),
    max_upload_bytes: count.default(104_857_600).describe('A larger upload is refused with M_TOO_LARGE.'),
    max_remote_bytes: count
      .default(104_857_600)
      .describe('A larger file of another server is not fetched: M_TOO_LARGE.'),
    remote_timeout_ms: milliseconds.default(60_000).describe('How long it may take to fetch a file of another server.'),
    upload_idle_ms: milliseconds
      .default(60_000)
      .describe('An upload of which less than a kilobyte arrives in so long is given up.'),
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
    previews,
    scanner: scanner.exactOptional().meta({ description: 'Have files judged, such as for viruses.' }),
  })
  .prefault({})
  .describe('Files that users upload.');
