import { parseConfig } from '@ganglion/config';
import { ACCESS } from './seaweed.js';

/** The settings of a bucket, as the configuration has them. */
export function s3Config(endpoint: string, bucket: string, others: object = {}) {
  const s3 = {
    endpoint,
    bucket,
    path_style: true,
    access_key_id: ACCESS.accessKeyId,
    secret_access_key: ACCESS.secretAccessKey,
    timeout_ms: 10_000,
    part_bytes: 5_242_880,
    ...others,
  };
  const config = parseConfig(JSON.stringify({ server_names: [{ name: 'one.test' }], media: { s3 } }), '/');
  return config.media.s3!;
}
