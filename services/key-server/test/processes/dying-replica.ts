/**
 * A key server that is killed in the middle. Arguments: database URL; `publish` for dying when it has committed a change of keys and
 * would tell of it, `devices` for dying when it has heard of ended devices and would look for them.
 */
import { createEmbeddedBus, prometheusBusMetrics } from '@ganglion/bus';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { AuthFake, startReplica } from '../support/deployment.js';
import { DevicesFake } from '../support/devices.js';

const [databaseUrl = '', dyingAt = '', userId = '', deviceId = ''] = process.argv.slice(2);

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still there');
}

class DyingDevices extends DevicesFake {
  override async listDevices(request: Parameters<DevicesFake['listDevices']>[0]) {
    if (dyingAt === 'devices') die();
    return super.listDevices(request);
  }
}

const bus = createEmbeddedBus({
  metrics: prometheusBusMetrics(new Metrics()),
  logger: createLogger({ level: 'error' }),
});
if (dyingAt === 'publish') bus.publish = async () => die();
const devices = new DyingDevices();
devices.begin(userId, deviceId);
if (dyingAt === 'devices') devices.end(userId, deviceId);
const { url } = await startReplica(databaseUrl, { bus, devices, interactiveAuth: new AuthFake() });
console.log(`listening ${url}`);
