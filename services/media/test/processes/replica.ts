/** A replica of a media server. Arguments: database URL, folder, settings of `media` as JSON. */
import { startReplica } from '../support/deployment.js';

const [databaseUrl = '', folder = '', media = '{}'] = process.argv.slice(2);
// A file that grows beyond the limit that a test sets fails to be written, as on a full disk.
process.on('SIGXFSZ', () => {});
const { url } = await startReplica(databaseUrl, folder, JSON.parse(media));
console.log(`listening ${url}`);
