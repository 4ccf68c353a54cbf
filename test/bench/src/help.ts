import { measureIds } from './measure/ids.ts';

export const help = `Usage: npm run bench -- [options]

Loads a Matrix homeserver and says how fast it is, or loads two in turn and says which is faster.
Use accounts and rooms you can throw away: it makes many. Turn the server's rate limits off first.

  --target URL          the homeserver (http://127.0.0.1:8008)
  --compare URL         another one, measured alternately with the first
  --shared-secret S     make accounts by /_synapse/admin/v1/register; without it, registration must be open
  --shared-secret-b S   the same for the other one, when its secret differs
  --pid, --pid-a LIST   the first server's processes; who listens on a port of this machine is found
  --pid-b LIST          the other server's
  --name, --name-b N    what to call them; they are asked otherwise
  --idle-pid LIST       replicas of which one should be idle while the others carry --pace events/s
  --pace N              events a second for that (500)
  --room-version V      the version of all rooms made (the server's default)
  --rounds N            rounds of each measurement (3)
  --seconds N           length of a round (5)
  --quick               a short look: one round of two seconds, less of everything
  --only LIST           only these, by name or by how they begin:
                        ${wrapped(measureIds, 24)}
  --json FILE           write all figures
  --html FILE           write a page with charts
  -h, --help            show this
`;

function wrapped(words: readonly string[], indent: number): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 76) lines[lines.length - 1] = `${last}, ${word}`;
    else lines.push(word);
  }
  return lines.join(`,\n${' '.repeat(indent)}`);
}
