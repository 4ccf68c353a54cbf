import type { Config } from '@ganglion/config';
import { type DynamicModule, Module } from '@nestjs/common';
import { Notary } from './domain/keys/notary.js';
import { PublishedKeys } from './domain/published-keys.js';
import type { FederationApi } from './federation-api.js';
import { KeyQueriesController } from './http/key-queries.controller.js';
import { ServerKeysController } from './http/server-keys.controller.js';
import { CONFIG } from './http/tokens.js';

@Module({})
class FederationApiModule {}

/** What other servers may ask of us. */
export function federationApiModule(
  config: Config,
  { published, notary }: Pick<FederationApi, 'published' | 'notary'>,
): DynamicModule {
  return {
    module: FederationApiModule,
    controllers: [ServerKeysController, KeyQueriesController],
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: PublishedKeys, useValue: published },
      { provide: Notary, useValue: notary },
    ],
  };
}
