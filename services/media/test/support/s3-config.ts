import { parseConfig } from '@ganglion/config';
import { ACCESS } from './seaweed.js';

/** The settings of a bucket, as an operator writes them. */
export function s3Input(endpoint: string, bucket: string, others: object = {}) {
  return {
    ...{ endpoint, bucket, path_style: true, timeout_ms: 10_000, part_bytes: 5_242_880 },
    ...{ access_key_id: ACCESS.accessKeyId, secret_access_key: ACCESS.secretAccessKey },
    ...others,
  };
}

/** The same as the configuration has them. */
export function s3Config(endpoint: string, bucket: string, others: object = {}) {
  const media = { s3: s3Input(endpoint, bucket, others) };
  return parseConfig(JSON.stringify({ server_names: [{ name: 'one.test' }], media }), '/').media.s3!;
}
