import { Metrics } from '@ganglion/telemetry';
import { Controller, Get } from '@nestjs/common';
import { testApp } from './support/test-app.js';

@Controller('_matrix/client/v3')
class RoomsController {
  @Get('rooms/:roomId/state')
  state() {
    return [];
  }

  @Get('fault')
  fault() {
    throw new Error('broken');
  }
}

it('requests are counted by route and kind of status, never by the ids in their paths', async () => {
  const metrics = new Metrics();
  const app = await testApp([RoomsController], { metrics });
  const v3 = '/_matrix/client/v3';
  for (const url of [`${v3}/rooms/!one/state`, `${v3}/rooms/!two/state?x=1`, `${v3}/fault`, '/secret/path']) {
    await app.fastify.inject(url);
  }
  const { headers, body } = await app.operators.inject('/metrics');
  expect(headers['content-type']).toContain('text/plain');
  const lines = body.split('\n');
  const counted = lines.filter((line) => line.startsWith('ganglion_http_request_seconds_count'));
  const route = `${v3}/rooms/:roomId/state`;
  expect(counted.sort()).toEqual(
    [
      `ganglion_http_request_seconds_count{method="GET",route="${route}",status="2xx"} 2`,
      `ganglion_http_request_seconds_count{method="GET",route="${v3}/fault",status="5xx"} 1`,
      'ganglion_http_request_seconds_count{method="GET",route="unrecognized",status="4xx"} 1',
    ].sort(),
  );
  expect((await app.operators.inject('/')).statusCode).toBe(404);
  await app.drain();
});
