import process from 'node:process';

/** Tells whoever waits what is going on; never on the standard output, which belongs to the command. */
export function say(line) {
  process.stderr.write(`ganglion: ${line}\n`);
}

/** Runs a step that takes a while: says that it began, that it goes on, and how long it took. */
export async function step(what, work) {
  say(`${what} …`);
  const began = Date.now();
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
  const reminder = setInterval(() => say(`${what}: still at it (${seconds()})`), 15_000);
  try {
    const result = await work();
    say(`${what}: done (${seconds()})`);
    return result;
  } finally {
    clearInterval(reminder);
  }
}
