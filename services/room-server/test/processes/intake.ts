/**
 * A room-server that takes in events of other servers. Arguments: database URL, a file with a JSON list of
 * `{ roomId, pdusJson }`, the place in it to begin at. Four are under way at any time.
 */
import { readFile } from 'node:fs/promises';
import { RoomServers } from '../support/room-servers.js';

const [databaseUrl = '', file = '', first = '0'] = process.argv.slice(2);
const pieces = JSON.parse(await readFile(file, 'utf8')) as { roomId: string; pdusJson: string[] }[];
const { roomIntake } = await (await RoomServers.on(databaseUrl)).start();
let next = Number(first);
async function take(): Promise<void> {
  while (next < pieces.length) {
    const place = next++;
    await roomIntake.receivePdus({ ...pieces[place]!, backfill: false });
    console.log(`took ${place}`);
  }
}
await Promise.all(Array.from({ length: 4 }, take));
console.log('done');
process.exit(0);
