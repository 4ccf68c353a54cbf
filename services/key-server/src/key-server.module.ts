import { type DynamicModule, Module } from '@nestjs/common';
import { Backups } from './domain/backups.js';
import { CrossSigning } from './domain/cross-signing.js';
import { DehydratedDevices } from './domain/dehydrated-devices.js';
import { KeyClaims } from './domain/key-claims.js';
import { KeyQueries } from './domain/key-queries.js';
import { KeyUploads } from './domain/key-uploads.js';
import { SignatureUploads } from './domain/signature-uploads.js';
import { BackupKeysController } from './http/backup-keys.controller.js';
import { BackupVersionsController } from './http/backup-versions.controller.js';
import { CrossSigningController } from './http/cross-signing.controller.js';
import { DehydratedDeviceController } from './http/dehydrated-device.controller.js';
import { KeysController } from './http/keys.controller.js';
import type { KeyServer } from './key-server.js';

@Module({})
class KeyServerModule {}

/** The HTTP side of a key server. */
export function keyServerModule(server: KeyServer): DynamicModule {
  return {
    module: KeyServerModule,
    controllers: [
      KeysController,
      CrossSigningController,
      BackupVersionsController,
      BackupKeysController,
      DehydratedDeviceController,
    ],
    providers: [
      { provide: KeyUploads, useValue: server.uploads },
      { provide: KeyQueries, useValue: server.queries },
      { provide: KeyClaims, useValue: server.claims },
      { provide: CrossSigning, useValue: server.crossSigning },
      { provide: SignatureUploads, useValue: server.signatures },
      { provide: DehydratedDevices, useValue: server.dehydratedDevices },
      { provide: Backups, useValue: server.backups },
    ],
  };
}
