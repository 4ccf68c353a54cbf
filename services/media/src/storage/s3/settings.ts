import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import type { S3ClientConfig } from '@aws-sdk/client-s3';

export interface S3Settings {
  readonly bucket: string;
  /** What the names of all objects begin with. */
  readonly prefix: string;
  readonly region: string;
  /** Undefined for Amazon's. */
  readonly endpoint: string | undefined;
  /** The bucket is part of the path, and not of the host. */
  readonly pathStyle: boolean;
  /** Undefined: found where Amazon's tools look for them. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly sse: 'AES256' | 'aws:kms' | undefined;
  readonly kmsKeyId: string | undefined;
  /** PEM of who signed the endpoint's certificate, if the system does not know them. */
  readonly caFile: string | undefined;
  readonly partBytes: number;
  readonly maxPartsInMemory: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
}

const CONNECTIONS = 128;

/** How the SDK is set up. */
export function clientConfig(settings: S3Settings): S3ClientConfig {
  const { region, endpoint, pathStyle, credentials, caFile, maxAttempts, timeoutMs } = settings;
  const agent = { keepAlive: true, maxSockets: CONNECTIONS };
  return {
    region,
    forcePathStyle: pathStyle,
    maxAttempts,
    // What others than Amazon do not all know; bytes are hashed by us anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new Agent({ ...agent, ...(caFile !== undefined && { ca: readFileSync(caFile) }) }),
    },
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials: { ...credentials } }),
  };
}
