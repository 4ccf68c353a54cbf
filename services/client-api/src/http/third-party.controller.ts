import { MatrixError } from '@ganglion/contracts';
import { Authenticated } from '@ganglion/http';
import { Controller, Get } from '@nestjs/common';

/**
 * Networks that application services bridge to: there are none.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#third-party-networks
 */
@Controller('_matrix/client/v3/thirdparty')
@Authenticated()
export class ThirdPartyController {
  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocols */
  @Get('protocols')
  getProtocols() {
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocolprotocol */
  @Get('protocol/:protocol')
  getProtocolMetadata(): never {
    throw unknownProtocol();
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartylocationprotocol */
  @Get('location/:protocol')
  queryLocationByProtocol(): never {
    throw unknownProtocol();
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyuserprotocol */
  @Get('user/:protocol')
  queryUserByProtocol(): never {
    throw unknownProtocol();
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartylocation */
  @Get('location')
  queryLocationByAlias() {
    return [];
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyuser */
  @Get('user')
  queryUserByID() {
    return [];
  }
}

function unknownProtocol(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'This server is connected to no such network');
}
