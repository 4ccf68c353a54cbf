import { setTimeout as sleep } from 'node:timers/promises';
import { registrationMac } from '../src/load/account.ts';
import { type Reply, readJson } from '../src/load/client.ts';
import { closedLoop, forCount, forSeconds, pacedLoop } from '../src/load/loop.ts';
import { pooled, rotated } from '../src/load/scene.ts';
import { joinOrder } from '../src/measure/joins.ts';

const reply = (status = 200, body = '{}'): Reply => ({ status, body: Buffer.from(body), at: performance.now() });

describe('closedLoop', () => {
  it('keeps just so many on their way, and stops at the count', async () => {
    let now = 0;
    let most = 0;
    const numbers: number[] = [];
    const tally = await closedLoop(4, forCount(10), async (_slot, n) => {
      numbers.push(n);
      most = Math.max(most, ++now);
      await sleep(5);
      now -= 1;
      return reply();
    });
    expect([most, numbers.sort((a, b) => a - b)]).toEqual([4, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
    expect(tally).toMatchObject({ done: 10, errors: 0 });
    expect(Math.min(...tally.latencies)).toBeGreaterThan(1);
    expect(tally.seconds).toBeGreaterThan(0.01);
  });

  it('counts refusals and broken connections apart from answers', async () => {
    const tally = await closedLoop(1, forCount(4), async (_slot, n) => {
      if (n === 1) throw new Error('reset');
      return n === 2 ? reply(403, '{"errcode":"M_FORBIDDEN"}') : reply();
    });
    expect(tally).toMatchObject({ done: 2, errors: 2, complaint: 'reset' });
  });

  it('gives up when there is nothing but refusals', async () => {
    const loop = closedLoop(2, forSeconds(60), async () => reply(429, '{"errcode":"M_LIMIT_EXCEEDED"}'));
    await expect(loop).rejects.toThrow('most requests fail: 429 M_LIMIT_EXCEEDED');
  });
});

describe('pacedLoop', () => {
  it('begins as many as the pace asks, though none is answered yet', async () => {
    const waiting: ((reply: Reply) => void)[] = [];
    const loop = pacedLoop(500, 0.1, () => new Promise((resolve) => waiting.push(resolve)));
    while (waiting.length < 50) await sleep(1);
    for (const resolve of waiting) resolve(reply());
    expect(await loop).toMatchObject({ done: 50, errors: 0 });
  });
});

describe('pooled', () => {
  it('keeps the order of the results, and passes on the first failure', async () => {
    expect(await pooled(3, 7, async (n) => n * 2)).toEqual([0, 2, 4, 6, 8, 10, 12]);
    const failing = pooled(2, 5, async (n) => {
      if (n === 3) throw new Error('three');
    });
    await expect(failing).rejects.toThrow('three');
  });
});

describe('rotated', () => {
  it('begins elsewhere in the same circle', () => {
    expect(rotated([1, 2, 3], 4)).toEqual([2, 3, 1]);
  });
});

describe('joinOrder', () => {
  it.each([true, false])('has everybody join every room once (spread: %s)', (spread) => {
    const pairs = joinOrder(5, 4, spread).map(({ person, room }) => `${person} ${room}`);
    expect(new Set(pairs).size).toBe(20);
  });

  it('fills one room before the next, or goes round the rooms', () => {
    const rooms = (spread: boolean) =>
      joinOrder(4, 4, spread)
        .slice(0, 4)
        .map(({ room }) => room);
    expect(rooms(false)).toEqual([0, 0, 0, 0]);
    expect(rooms(true).sort()).toEqual([0, 1, 2, 3]);
  });
});

describe('readJson', () => {
  it.each(['<html>', '', 'null', '3'])('makes an empty object of %p', (body) => {
    expect(readJson(reply(502, body))).toEqual({});
  });
});

describe('registrationMac', () => {
  it('agrees with another implementation of HMAC-SHA1', () => {
    const mac = registrationMac('shared', 'thisisanonce', 'pepper', 'p4ss');
    expect(mac).toBe('424df51e967ab6d8ce64ac92b092d822f9f664d7');
  });
});
