import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ganglion/testing';
import { Controller, Get, Inject } from '@nestjs/common';
import { Draining, type HttpApp } from '../src/index.js';
import { testApp } from './support/test-app.js';

let gate = Promise.withResolvers<void>();
let running = 0;

@Controller()
class SlowController {
  constructor(@Inject(Draining) private readonly draining: Draining) {}

  @Get('poll')
  async poll() {
    running += 1;
    await new Promise<void>((resolve) => this.draining.onBegin(resolve));
    return { answered: 'because of the drain' };
  }

  @Get('slow')
  async slow() {
    running += 1;
    await gate.promise;
    return { answered: 'in full', text: 'x'.repeat(200_000) };
  }

  @Get('quick')
  quick() {
    return { answered: 'at once' };
  }
}

async function start(drainSeconds: number): Promise<{ app: HttpApp; url: string }> {
  gate = Promise.withResolvers<void>();
  running = 0;
  const app = await testApp([SlowController], { http: { drain_seconds: drainSeconds } });
  const [url = ''] = await app.listen();
  return { app, url };
}

interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly body: { readonly answered: string };
}

function get(url: string, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ...(agent && { agent }) }, async (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      await once(response, 'end');
      resolve({ status: response.statusCode, connection: response.headers.connection, body: JSON.parse(text) });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const begun = (requests: number) => eventually(() => expect(running).toBe(requests));

describe('draining', () => {
  it('answers long polls, finishes what runs, and refuses what is new', async () => {
    const { app, url } = await start(20);
    const requests = [get(`${url}/poll`), get(`${url}/poll`), get(`${url}/slow`)];
    await begun(3);
    const drained = app.drain();
    const polls = await Promise.all(requests.slice(0, 2));
    for (const { status, body } of polls) expect([status, body.answered]).toEqual([200, 'because of the drain']);
    await expect(get(`${url}/quick`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await Promise.race([drained.then(() => 'drained'), sleep(50, 'waiting')])).toBe('waiting');
    gate.resolve();
    expect(await requests[2]).toMatchObject({ status: 200, body: { answered: 'in full' } });
    await drained;
  });

  it('sends the clients of connections that are kept alive elsewhere', async () => {
    const { app, url } = await start(20);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await get(`${url}/quick`, agent)).connection).toBe('keep-alive');
    const slow = get(`${url}/slow`, agent);
    await begun(1);
    const drained = app.drain();
    gate.resolve();
    expect((await slow).connection).toBe('close');
    await drained;
    agent.destroy();
  });

  it('does not wait for connections on which nothing happens', async () => {
    const { app, url } = await start(60);
    const agent = new Agent({ keepAlive: true });
    await get(`${url}/quick`, agent);
    const silent = connect(Number(new URL(url).port), '127.0.0.1');
    await once(silent, 'connect');
    const before = performance.now();
    await app.drain();
    expect(performance.now() - before).toBeLessThan(10_000);
    silent.destroy();
    agent.destroy();
  });

  it('cuts what has not finished when its time is over', async () => {
    const { app, url } = await start(0);
    const slow = get(`${url}/slow`);
    const outcome = slow.then(
      () => 'answered',
      () => 'cut',
    );
    await begun(1);
    await app.drain();
    expect(await outcome).toBe('cut');
    gate.resolve();
  });

  it('is told at once to whoever asks after it has begun, and to nobody who no longer asks', () => {
    const draining = new Draining();
    const told: string[] = [];
    draining.onBegin(() => told.push('early'));
    draining.onBegin(() => told.push('gone'))();
    draining.begin();
    draining.onBegin(() => told.push('late'));
    expect(told).toEqual(['early', 'late']);
  });
});
