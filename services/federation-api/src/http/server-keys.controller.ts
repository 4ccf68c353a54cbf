import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import { AnswersJsonText } from '@ganglion/http';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PublishedKeys } from '../domain/published-keys.js';
import { namedServer } from './named-server.js';
import { CONFIG } from './tokens.js';

const VERSION = '0.1.0';

/** What other servers ask before they talk to us. */
@Controller()
export class ServerKeysController {
  constructor(
    @Inject(PublishedKeys) private readonly keys: PublishedKeys,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server */
  @Get('_matrix/key/v2/server')
  @AnswersJsonText()
  getServerKey(@Req() request: FastifyRequest) {
    const { name } = namedServer(this.config.server_names, request.host);
    const answer = this.keys.of(name);
    if (answer === undefined) throw new MatrixError(404, 'M_NOT_FOUND', `${name} has no key here`);
    return answer;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version */
  @Get('_matrix/federation/v1/version')
  getVersion() {
    return { server: { name: 'Ganglion', version: VERSION } };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver */
  @Get('.well-known/matrix/server')
  getWellKnown(@Req() request: FastifyRequest) {
    const { federation_address: address } = namedServer(this.config.server_names, request.host);
    if (address === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'No federation address is configured');
    return { 'm.server': address };
  }
}
