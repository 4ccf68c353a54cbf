/** A replica of a media server. Arguments: database URL, folder. */
import { startReplica } from '../support/deployment.js';

const [databaseUrl = '', folder = ''] = process.argv.slice(2);
// A file that grows beyond the limit that a test sets fails to be written, as on a full disk.
process.on('SIGXFSZ', () => {});
const { url } = await startReplica(databaseUrl, folder);
console.log(`listening ${url}`);
