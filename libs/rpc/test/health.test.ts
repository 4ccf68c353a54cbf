import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { Fixture, targetOf } from './support.js';

/** Asks as an orchestrator does; the answer is a HealthCheckResponse. */
function check(target: string): Promise<Buffer> {
  const client = new Client(target, ChannelCredentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), (error, bytes) => {
      if (error) reject(error);
      else resolve(bytes as Buffer);
    });
  }).finally(() => client.close());
}

describe('the health service', () => {
  it('answers as grpc.health.v1 while serving', async () => {
    const fixture = new Fixture();
    const server = await fixture.serve(async ({ text }) => ({ text }));
    const status = 1;
    expect([...(await check(targetOf(server)))]).toEqual([0x08, status]);
    await server.drain();
    await expect(check(targetOf(server))).rejects.toMatchObject({ code: 14 });
    await fixture.end();
  });
});
