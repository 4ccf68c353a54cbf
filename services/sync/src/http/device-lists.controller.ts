import { Authenticated, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import { DeviceListQueries } from '../domain/devices/device-list-queries.js';
import { tokenText } from './parameters.js';

const changesQuery = z.object({ from: tokenText, to: tokenText });

@Controller('_matrix/client/v3/keys')
@Authenticated({ guests: true })
export class DeviceListsController {
  constructor(@Inject(DeviceListQueries) private readonly queries: DeviceListQueries) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges */
  @Get('changes')
  @RateLimited('keys')
  getKeysChanges(
    @RequestedBy() { userId }: Requester,
    @Query(changesQuery) { from, to }: z.output<typeof changesQuery>,
  ) {
    return this.queries.getKeysChanges(userId, from.position, to.position);
  }
}
