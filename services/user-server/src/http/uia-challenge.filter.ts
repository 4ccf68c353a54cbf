import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { UiaChallenge } from '../domain/uia-challenge.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-api-in-the-rest-api */
@Catch(UiaChallenge)
export class UiaChallengeFilter implements ExceptionFilter {
  catch(challenge: UiaChallenge, host: ArgumentsHost): void {
    void host.switchToHttp().getResponse<FastifyReply>().status(401).send(challenge.toJSON());
  }
}
