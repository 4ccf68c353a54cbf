import type { Config } from '@ganglion/config';
import type { SigningKey } from '@ganglion/protocol';
import { type DynamicModule, Module } from '@nestjs/common';
import { PublishedKeys } from './domain/published-keys.js';
import { CONFIG, ServerKeysController } from './http/server-keys.controller.js';

@Module({})
class FederationApiModule {}

/** What other servers may ask of us. */
export function federationApiModule(config: Config, signingKeys: ReadonlyMap<string, SigningKey>): DynamicModule {
  return {
    module: FederationApiModule,
    controllers: [ServerKeysController],
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: PublishedKeys, useValue: new PublishedKeys(signingKeys) },
    ],
  };
}
