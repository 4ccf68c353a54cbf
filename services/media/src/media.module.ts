import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigController } from './http/config.controller.js';
import { DownloadsController } from './http/downloads.controller.js';
import { FederatedFilesController } from './http/federated-files.controller.js';
import { LegacyDownloadsController } from './http/legacy-downloads.controller.js';
import { ModerationController } from './http/moderation.controller.js';
import { PreviewsController } from './http/previews.controller.js';
import { UploadsController } from './http/uploads.controller.js';
import type { MediaServer } from './media-server.js';

@Module({})
class MediaModule {}

/** The HTTP side of a media server. */
export function mediaModule({ providers }: Pick<MediaServer, 'providers'>): DynamicModule {
  return {
    module: MediaModule,
    controllers: [
      ConfigController,
      UploadsController,
      DownloadsController,
      LegacyDownloadsController,
      ModerationController,
      PreviewsController,
      FederatedFilesController,
    ],
    providers: [...providers],
  };
}
