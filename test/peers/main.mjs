// Brings Synapse up beside Ganglion and has both talk to each other, in both directions: `node test/peers/main.mjs [part of a name]`.
// SYNAPSE_VENV names the Python environment that Synapse is installed in. Ends with 2 when something is missing that it needs.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Person } from './person.mjs';
import { fork, SCENARIOS } from './scenarios.mjs';
import { Ganglion, makeCertificates, missing, Synapse } from './servers.mjs';

const wanted = process.argv[2] ?? '';
const lacking = missing();
if (lacking.length > 0) {
  console.log(['This needs:', ...lacking].join('\n  '));
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'ganglion-peers-'));
const certificates = makeCertificates(join(folder, 'certificates'));
const ganglion = new Ganglion({ clientPort: 28_008, federationPort: 28_448, folder, certificates });
const synapse = new Synapse({ clientPort: 29_008, federationPort: 29_448, folder, certificates });
let failures = 0;

async function run(name, scenario) {
  const start = Date.now();
  try {
    const result = await scenario();
    console.log(`ok    ${name} (${Date.now() - start} ms)`);
    return result;
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${name}: ${error.message}`);
    return undefined;
  }
}

try {
  await Promise.all([ganglion.start(), synapse.start()]);
  const rooms = [];
  const anna = await Person.register(ganglion, 'anna');
  const sven = await Person.register(synapse, 'sven');
  for (const [here, there] of [
    [anna, sven],
    [sven, anna],
  ]) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const title = `${here.server.what} to ${there.server.what}: ${name}`;
      if (!title.includes(wanted)) continue;
      const roomId = await run(title, () => scenario({ here, there }));
      if (roomId !== undefined) rooms.push({ name: `${title}, forked and healed`, roomId });
    }
  }
  for (const [name, healed] of await fork(rooms, [anna, sven])) await run(name, healed);
} catch (error) {
  failures += 1;
  console.log(`FAIL  ${error.stack}`);
} finally {
  await Promise.all([ganglion.stop(), synapse.stop()]);
}
console.log(failures === 0 ? 'All is well.' : `${failures} failed; what the servers said is in ${folder}`);
process.exit(failures === 0 ? 0 : 1);
