import type { ServiceName } from '@ganglion/config';
import { type Tokens, TokensDefinition } from '@ganglion/contracts/user';
import type { Foundation, Part } from '@ganglion/service';
import type { DynamicModule } from '@nestjs/common';
import { type Offer, ProcessInterfaces } from './interfaces.js';
import type { RemoteServices } from './remote-services.js';
import { SERVICES } from './services.js';

/** The services of one process, put together. */
export interface ComposedServices {
  readonly modules: readonly DynamicModule[];
  readonly offers: readonly Offer[];
  readonly parts: readonly Part[];
  /** Who knows whose token is whose; only where there is an HTTP side that asks. */
  readonly tokens: Tokens | undefined;
}

/**
 * Puts the named services together. What one of them needs of another is the other itself when it is in this process,
 * and a gRPC client otherwise; neither of them can tell.
 */
export async function composeServices(
  foundation: Foundation,
  names: readonly ServiceName[],
  remote: RemoteServices,
): Promise<ComposedServices> {
  const services = SERVICES.filter(({ name }) => names.includes(name));
  const interfaces = new ProcessInterfaces(SERVICES, services, remote);
  const modules: DynamicModule[] = [];
  const parts: Part[] = [];
  for (const service of services) {
    const { module, part, offers } = await service.compose(foundation, interfaces);
    interfaces.offer(service, offers);
    if (module !== undefined) modules.push(module);
    if (part !== undefined) parts.push(part);
  }
  const tokens = modules.length > 0 ? await interfaces.find<Tokens>(TokensDefinition) : undefined;
  return { modules, parts, offers: interfaces.offers, tokens };
}
