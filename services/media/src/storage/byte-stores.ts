import type { Config } from '@ganglion/config';
import type { ByteStore } from '../domain/ports/byte-store.js';
import { FallbackStore } from './fallback-store.js';
import { FolderStore } from './folder-store.js';
import type { S3Settings } from './s3/settings.js';

type S3Config = NonNullable<Config['media']['s3']>;

/** Where the configuration says that files are, with where they were before. */
export async function openByteStore(media: Config['media']): Promise<ByteStore> {
  const [current, previous] = [await openCurrentStore(media), await openPreviousStore(media)];
  return previous ? new FallbackStore(current, previous) : current;
}

export async function openCurrentStore({ s3, folder_dir }: Config['media']): Promise<ByteStore> {
  return s3 ? openS3Store(s3) : new FolderStore(folder_dir);
}

export async function openPreviousStore({ previous_store: previous }: Config['media']): Promise<ByteStore | undefined> {
  if (previous?.s3) return openS3Store(previous.s3);
  return previous?.folder_dir === undefined ? undefined : new FolderStore(previous.folder_dir);
}

/** The SDK is loaded by those alone who need it. */
export async function openS3Store(s3: S3Config): Promise<ByteStore> {
  const { S3Store } = await import('./s3/s3-store.js');
  return new S3Store(settingsOf(s3));
}

function settingsOf(s3: S3Config): S3Settings {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = s3;
  return {
    bucket: s3.bucket,
    prefix: s3.prefix,
    region: s3.region,
    endpoint: s3.endpoint,
    pathStyle: s3.path_style,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    sse: s3.encryption,
    kmsKeyId: s3.kms_key_id,
    caFile: s3.tls?.ca_file,
    partBytes: s3.part_bytes,
    maxPartsInMemory: s3.max_parts_in_memory,
    maxAttempts: s3.max_attempts,
    timeoutMs: s3.timeout_ms,
  };
}
