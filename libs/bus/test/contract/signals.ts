import { jsonCodec, type Topic } from '../../src/index.js';
import { type BusPair, type OpenBuses, until } from '../support.js';

const typing: Topic<string> = { name: 'typing', codec: jsonCodec((input) => String(input)) };
const presence: Topic<string> = { name: 'presence', codec: jsonCodec((input) => String(input)) };

const urgent: Topic<string> = { ...typing, name: 'urgent', hereAtOnce: true };

/** What is broadcast is heard by who listens. */
export function describeSignals(open: OpenBuses): void {
  let buses: BusPair;

  beforeEach(async () => {
    buses = await open();
  });
  afterEach(() => buses.close());

  it('reaches everybody who listens to the topic, whatever the key', async () => {
    const [here, there]: [string[], string[]] = [[], []];
    await buses.one.listen(typing, (message) => here.push(message));
    await buses.other.listen(typing, (message) => there.push(message));
    await buses.other.listen(typing, (message) => there.push(message.toUpperCase()));
    await buses.one.listen(presence, () => here.push('wrong topic'));
    buses.one.broadcast(typing, 'a');
    buses.one.broadcast(typing, 'b', '!room.1:x y');
    await until('both hear both', () => here.length >= 2 && there.length >= 4);
    expect(here).toEqual(['a', 'b']);
    expect(there).toEqual(['a', 'A', 'b', 'B']);
  });

  it('reaches who listens for the key, and nobody who listens for another', async () => {
    const heard: string[] = [];
    for (const key of ['', '.', '!room:x', '!room:y', '*', '>']) {
      await buses.other.listen(typing, (message) => heard.push(`${key}=${message}`), { key });
    }
    buses.one.broadcast(typing, 'no key');
    buses.one.broadcast(typing, '1', '!room:x');
    buses.one.broadcast(typing, '2', '*');
    buses.one.broadcast(typing, '3', '');
    await until('the last is heard', () => heard.includes('=3'));
    expect(heard).toEqual(['!room:x=1', '*=2', '=3']);
  });

  it('ends for a listener that stops, and only for that one', async () => {
    const [stopped, going]: [string[], string[]] = [[], []];
    const subscription = await buses.other.listen(typing, (message) => stopped.push(message));
    await buses.other.listen(typing, (message) => going.push(message));
    buses.one.broadcast(typing, 'a');
    await until('the first is heard', () => stopped.length === 1);
    await subscription.stop();
    await subscription.stop();
    buses.one.broadcast(typing, 'b');
    await until('the second is heard', () => going.length === 2);
    expect(stopped).toEqual(['a']);
  });

  it('is not kept for who listens later', async () => {
    const heard: string[] = [];
    buses.one.broadcast(typing, 'early');
    await buses.one.listen(typing, (message) => heard.push(message));
    buses.one.broadcast(typing, 'late');
    await until('something is heard', () => heard.length > 0);
    expect(heard).toEqual(['late']);
  });

  it('of what is urgent is heard here before anything else goes on, and once by everybody', async () => {
    const [here, there, keyed]: [string[], string[], string[]] = [[], [], []];
    await buses.one.listen(urgent, (message) => here.push(message));
    await buses.one.listen(urgent, (message) => keyed.push(message), { key: 'mine' });
    await buses.other.listen(urgent, (message) => there.push(message));
    buses.one.broadcast(urgent, 'a', 'mine');
    expect(here).toEqual([]);
    await Promise.resolve();
    expect([here, keyed]).toEqual([['a'], ['a']]);
    buses.other.broadcast(urgent, 'b');
    await until('everybody has heard everything', () => here.length >= 2 && there.length >= 2);
    buses.one.broadcast(urgent, 'c');
    await until('the last is heard', () => there.includes('c'));
    expect([here, there.toSorted(), keyed]).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], ['a']]);
  });

  it('never runs a listener within broadcast, and survives one that fails', async () => {
    const heard: string[] = [];
    await buses.one.listen(typing, () => {
      throw new Error('broken listener');
    });
    await buses.one.listen(typing, (message) => heard.push(message));
    buses.one.broadcast(typing, 'a');
    expect(heard).toEqual([]);
    buses.one.broadcast(typing, 'b');
    await until('both are heard', () => heard.length >= 2);
    expect(heard).toEqual(['a', 'b']);
  });
}
