import { MatrixError } from '@ganglion/contracts';
import { oneAfterTheOther } from '../src/domain/remote-rooms/one-after-the-other.js';

const gone = new MatrixError(404, 'M_NOT_FOUND', 'no such room');
const silent = new MatrixError(502, 'M_UNKNOWN', 'no answer');
const forbidden = new MatrixError(403, 'M_FORBIDDEN', 'no');

/** Asks servers of which each answers in its way, and tells who was asked. */
async function ask(first: string[], others: string[], answers: Record<string, MatrixError | string>) {
  const asked: string[] = [];
  const run = async (server: string) => {
    asked.push(server);
    const answer = answers[server]!;
    if (answer instanceof MatrixError) throw answer;
    return answer;
  };
  const result = await oneAfterTheOther({ first, others }, run).catch((error: unknown) => error);
  return { asked, result };
}

it('servers that are known are asked where those that were named cannot tell', async () => {
  const answers = { a: silent, b: gone, c: 'in' };
  expect(await ask(['a', 'b'], ['b', 'c'], answers)).toEqual({ asked: ['a', 'b', 'c'], result: 'in' });
});

it('nobody else is asked once those that were named have refused', async () => {
  const answers = { a: forbidden, b: silent, c: 'in' };
  expect(await ask(['a', 'b'], ['c'], answers)).toEqual({ asked: ['a', 'b'], result: forbidden });
});

it('servers that are known are asked where those that were named cannot let anybody in', async () => {
  for (const errcode of ['M_UNABLE_TO_GRANT_JOIN', 'M_UNABLE_TO_AUTHORISE_JOIN']) {
    const unable = new MatrixError(400, errcode, 'nobody here may invite');
    expect(await ask(['a'], ['b'], { a: unable, b: 'in' })).toEqual({ asked: ['a', 'b'], result: 'in' });
    expect(await ask(['a'], ['b'], { a: unable, b: silent })).toEqual({ asked: ['a', 'b'], result: unable });
  }
});

it('where nobody was named all that are known are asked, and what says most is told', async () => {
  const answers = { a: gone, b: forbidden, c: silent };
  expect(await ask([], ['a', 'b', 'c'], answers)).toEqual({ asked: ['a', 'b', 'c'], result: forbidden });
});

it('a room that lets no guests in is asked about of nobody else', async () => {
  const noGuests = new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'no guests');
  expect(await ask([], ['a', 'b', 'c'], { a: silent, b: noGuests, c: 'in' })).toEqual({
    ...{ asked: ['a', 'b'], result: noGuests },
  });
});
