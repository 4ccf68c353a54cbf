import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The least that a server can do: sends the file of its first argument to whoever asks. A process of its own. */
const [file = ''] = process.argv.slice(2);
const server = createServer((_request, response) => void createReadStream(file).pipe(response));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
