/** A room-server that purges. Argument: the database URL. It tells of each step. */
import { purgesOf } from '../support/purges.js';
import { RoomServers } from '../support/room-servers.js';

const [databaseUrl = ''] = process.argv.slice(2);
const { db } = await (await RoomServers.on(databaseUrl)).start();
console.log('begins');
while (await purgesOf(db).step()) console.log('step');
console.log('done');
process.exit(0);
