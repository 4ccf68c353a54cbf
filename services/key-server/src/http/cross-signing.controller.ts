import {
  Authenticated,
  clientAddress,
  householdOf,
  parseBody,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { jsonObject } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CrossSigning } from '../domain/cross-signing.js';
import { SignatureUploads, type SignedObjects } from '../domain/signature-uploads.js';
import { crossSigningBody, signaturesBody } from './key-bodies.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
// Clients that were written before v1.1 look for it where it was before it was in the specification.
@Controller(['_matrix/client/v3/keys', '_matrix/client/unstable/keys'])
@Authenticated({ suspended: true })
export class CrossSigningController {
  constructor(
    @Inject(CrossSigning) private readonly crossSigning: CrossSigning,
    @Inject(SignatureUploads) private readonly signatures: SignatureUploads,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload */
  @Post('device_signing/upload')
  @HttpCode(200)
  @RateLimited('keys')
  async uploadCrossSigningKeys(
    @RequestedBy() { userId, deviceId }: Requester,
    @StoredJsonBody(jsonObject) body: JsonObject,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const endpoint = `${request.method} ${request.routeOptions.url}`;
    const address = householdOf(clientAddress(request));
    const interactive = { userId, deviceId, endpoint, address, body };
    const refused = await this.crossSigning.upload(interactive, parseBody(crossSigningBody, body));
    if (refused === undefined) return {};
    reply.status(401);
    return refused.challenge;
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload */
  @Post('signatures/upload')
  @HttpCode(200)
  @RateLimited('keys')
  async uploadCrossSigningSignatures(
    @RequestedBy() { userId }: Requester,
    @StoredJsonBody(signaturesBody) body: SignedObjects,
  ) {
    return { failures: await this.signatures.upload(userId, body) };
  }
}
