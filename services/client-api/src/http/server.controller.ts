import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import { Authenticated, RequestedBy, type Requester } from '@ganglion/http';
import { ROOM_VERSIONS } from '@ganglion/protocol';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { turnCredentials } from '../domain/turn-credentials.js';
import { CONFIG } from './tokens.js';

const NEWEST_MINOR = 19;
/** Clients look for the exact versions they know. */
const VERSIONS = ['r0.6.1', ...Array.from({ length: NEWEST_MINOR }, (_, index) => `v1.${index + 1}`)];

/** What works here beyond the specification's stable part. */
const UNSTABLE_FEATURES = {
  'org.matrix.msc3814': true,
  'org.matrix.msc3874': true,
  'org.matrix.msc4140': true,
  'org.matrix.msc4155': true,
  'org.matrix.msc4222': true,
  'org.matrix.msc4380.stable': true,
  'uk.half-shot.msc2666.query_mutual_rooms': true,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
  'uk.tcpip.msc4133': true,
  'uk.tcpip.msc4133.stable': true,
};

/** What clients ask before anything else. */
@Controller()
export class ServerController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
  @Get('_matrix/client/versions')
  getVersions() {
    const threads = { 'org.matrix.msc4306': this.config.rooms.thread_subscriptions };
    return { versions: VERSIONS, unstable_features: { ...UNSTABLE_FEATURES, ...threads } };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities */
  @Get('_matrix/client/v3/capabilities')
  @Authenticated({ guests: true })
  getCapabilities(@RequestedBy() { admin }: Requester) {
    const available = Object.fromEntries(ROOM_VERSIONS.map(({ id, stable }) => [id, stable ? 'stable' : 'unstable']));
    return {
      capabilities: {
        'm.room_versions': { default: this.config.rooms.default_version, available },
        'm.change_password': { enabled: true },
        'm.set_displayname': { enabled: true },
        'm.set_avatar_url': { enabled: true },
        'm.3pid_changes': { enabled: this.config.email !== undefined },
        'm.get_login_token': { enabled: this.config.sessions.login_tokens },
        'm.forget_forced_upon_leave': { enabled: this.config.rooms.forget_on_leave },
        'm.profile_fields': { enabled: true },
        'uk.tcpip.msc4133.profile_fields': { enabled: true },
        ...(admin && { 'm.account_moderation': { suspend: true, lock: true } }),
      },
    };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient */
  @Get('.well-known/matrix/client')
  getWellknown(@Req() request: FastifyRequest) {
    const { server_names: names } = this.config;
    const withoutPort = request.host.replace(/:\d+$/, '');
    const named = names.find(({ name }) => name === request.host) ?? names.find(({ name }) => name === withoutPort);
    const baseUrl = (named ?? names[0]).client_base_url ?? this.config.http.public_base_url;
    if (baseUrl === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'No base URL is configured');
    return { 'm.homeserver': { base_url: baseUrl } };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport */
  @Get('.well-known/matrix/support')
  getWellknownSupport() {
    const { contacts, page } = this.config.support;
    if (contacts.length === 0 && page === undefined) {
      throw new MatrixError(404, 'M_NOT_FOUND', 'No contacts are configured');
    }
    const shown = contacts.map(({ role, matrix_id, email_address }) => ({
      role,
      ...(matrix_id !== undefined && { matrix_id }),
      ...(email_address !== undefined && { email_address }),
    }));
    return { ...(shown.length > 0 && { contacts: shown }), ...(page !== undefined && { support_page: page }) };
  }

  /** Where none is configured, clients make calls without one. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver */
  @Get('_matrix/client/v3/voip/turnServer')
  @Authenticated()
  getTurnServer(@RequestedBy() { userId }: Requester) {
    const { turn_uris: uris, turn_shared_secret: secret, turn_lifetime_ms } = this.config.voip;
    if (uris.length === 0 || secret === undefined) return {};
    const ttl = Math.floor(turn_lifetime_ms / 1_000);
    return { ...turnCredentials(userId, secret, Math.floor(Date.now() / 1_000) + ttl), uris, ttl };
  }
}
