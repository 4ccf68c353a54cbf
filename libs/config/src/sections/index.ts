import { accountValidity } from './account-validity.js';
import { bus } from './bus.js';
import { database } from './database.js';
import { email } from './email.js';
import { federation } from './federation.js';
import { http } from './http.js';
import { identityServers } from './identity-servers.js';
import { media } from './media.js';
import { passwords } from './passwords.js';
import { presence } from './presence.js';
import { rateLimits } from './rate-limits.js';
import { registration } from './registration.js';
import { rooms } from './rooms.js';
import { rpc } from './rpc.js';
import { serverNotices } from './server-notices.js';
import { sessions } from './sessions.js';
import { support } from './support.js';
import { sync } from './sync.js';
import { telemetry } from './telemetry.js';
import { voip } from './voip.js';

/** Every section of the configuration file after `server_names` and `data_dir`, in the order in which the example shows them. */
export const sections = {
  database,
  bus,
  rpc,
  http,
  support,
  registration,
  account_validity: accountValidity,
  email,
  identity_servers: identityServers,
  passwords,
  sessions,
  server_notices: serverNotices,
  rooms,
  sync,
  presence,
  media,
  voip,
  federation,
  rate_limits: rateLimits,
  telemetry,
};
