/** Serves Echo: answers with its name, after the time the request asks for. Arguments: name, port. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RpcServer } from '../../src/index.js';
import { EchoDefinition, echo } from '../echo.js';

const [name = '', port] = process.argv.slice(2);
const server = new RpcServer({ listen: `127.0.0.1:${port}` });
server.add(
  EchoDefinition,
  echo(async ({ text, ms = 0 }) => {
    console.log(`called ${text}`);
    await sleep(ms);
    return { text: name };
  }),
);
await server.start();
process.on('SIGTERM', () => {
  console.log('draining');
  void server.drain().then(() => process.exit(0));
});
console.log(`listening ${server.port}`);
