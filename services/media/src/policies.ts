import type { Config } from '@ganglion/config';
import type { PreviewPolicy } from './domain/previews/previews.js';
import type { RetentionPolicy } from './domain/retention.js';
import type { UploadPolicy } from './domain/uploads.js';
import type { Settings } from './http/settings.js';
import type { PoolOptions } from './images/worker-pool.js';
import type { WebSettings } from './previews/web-source.js';

/** As long as the slowest of stores may take for the largest of images. */
const READ_WITHIN_MS = 60_000;

type MediaConfig = Config['media'];

/** The configuration, in the words of those whom its parts concern. */
export function settingsOf(media: MediaConfig): Settings {
  return {
    maxUploadBytes: media.max_upload_bytes,
    uploadIdleMs: media.upload_idle_ms,
    answersAnybody: media.unauthenticated_downloads !== 'off',
    redirectLifetimeMs: media.s3?.redirect_downloads ? media.s3.redirect_lifetime_ms : undefined,
  };
}

export function uploadPolicyOf(media: MediaConfig): UploadPolicy {
  return {
    maxBytes: media.max_upload_bytes,
    quotas: { user: media.user_quota_bytes, server: media.server_quota_bytes },
    allowedTypes: media.allowed_types,
    refusedTypes: media.refused_types,
    unusedLifetimeMs: media.unused_lifetime_ms,
    maxPending: media.max_pending_uploads,
    openToAnybody: media.unauthenticated_downloads === 'open',
  };
}

export function poolOptionsOf({ thumbnails }: MediaConfig): PoolOptions {
  return {
    processes: thumbnails.processes,
    maxPixels: thumbnails.max_pixels,
    maxMemoryBytes: thumbnails.max_memory_bytes,
    timeoutMs: thumbnails.timeout_ms,
    readTimeoutMs: READ_WITHIN_MS,
  };
}

export function webSettingsOf({ previews }: MediaConfig): WebSettings {
  return {
    allowedNetworks: previews.allowed_networks,
    deniedHosts: previews.denied_hosts,
    timeoutMs: previews.timeout_ms,
    maxRedirects: previews.max_redirects,
    acceptLanguage: previews.accept_language,
  };
}

export function previewPolicyOf({ previews }: MediaConfig): PreviewPolicy {
  return {
    maxPageBytes: previews.max_page_bytes,
    maxImageBytes: previews.max_image_bytes,
    lifetimeMs: previews.lifetime_ms,
  };
}

export function retentionOf({ retention }: MediaConfig): RetentionPolicy {
  return {
    localUnusedMs: retention.local_unused_ms,
    remoteUnusedMs: retention.remote_unused_ms,
    remoteMaxBytes: retention.remote_max_bytes,
  };
}
