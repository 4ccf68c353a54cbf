export { Authority, type CertificateFiles } from './certificates.js';
export { spawnTypeScript, type TestProcess } from './child-process.js';
export { Contract, type ContractAnswer } from './contract/contract.js';
export { type Cluster, type ClusterOptions, type Replica, startCluster } from './deployment/cluster.js';
export { type ProxyOptions, type RunningProxy, startProxy } from './deployment/proxy.js';
export { loadRouteTable, type Route, type RouteTable, routeTable } from './deployment/routes.js';
export { ServerProcess } from './deployment/server-process.js';
export { type Settings, SHARED_SECRET } from './deployment/settings.js';
export {
  startAllInOne,
  startIdenticalProcesses,
  startTestCluster,
  type TestAllInOne,
  type TestCluster,
  type TestDeployment,
  type TestDeploymentOptions,
  type TestIdenticalProcesses,
} from './deployment/test-deployment.js';
export { eventually } from './eventually.js';
export { explained } from './explain.js';
export { type Draft, FarRoom } from './federation/far-room.js';
export { type Asked, type FarAnswer, FarRefusal, FarServer, partsOf, pduOf } from './federation/far-server.js';
export { depthOf, type RoomCopy, roomCopy } from './federation/room-copy.js';
export { SharedRoom, type Side } from './federation/shared-room.js';
export { Wire } from './federation/wire.js';
export { freePort, freePorts } from './free-ports.js';
export { MailServer, type MailServerOptions, type ReceivedMail } from './mail-server.js';
export { Attendant } from './matrix/attendant.js';
export { CrossSigner, CryptoDevice } from './matrix/crypto-device.js';
export { type Call, call, isTemporary, persistently, Refusal } from './matrix/http.js';
export { MatrixUser, type MatrixUserOptions, PASSWORD } from './matrix/matrix-user.js';
export { type ClientEvent, type SyncAnswer, SyncReader } from './matrix/sync-reader.js';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
export { natsServerBinary } from './nats-server-binary.js';
export { startTestPostgres, type TestDatabase, type TestPostgres, testDatabase } from './postgres.js';
export { type ReplicatedPostgres, startReplicatedPostgres } from './replicated-postgres.js';
export { drizzleShapes, migratedShapes, type TableShapes } from './table-shapes.js';
export { BUSES, type TestBus } from './test-buses.js';
export { Watchdog } from './watchdog.js';
