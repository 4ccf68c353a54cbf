import type { ConsumerDefinition, StreamDefinition, Topic } from './bus.js';

/** What NATS takes as the name of a stream or consumer, and what is one token of a subject. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** @throws RangeError when the name could not be a stream's, a durable's or a topic's */
function checkName(kind: string, name: string): void {
  if (!NAME.test(name)) throw new RangeError(`${kind} ${JSON.stringify(name)}: use letters, digits, - and _ only`);
}

/** @throws RangeError when the definition cannot work */
export function checkStream<T>(stream: StreamDefinition<T>): void {
  checkName('stream', stream.name);
  checkPositive(`stream ${stream.name}: shards`, stream.shards);
  checkPositive(`stream ${stream.name}: maxAgeMs`, stream.maxAgeMs);
}

/** @throws RangeError when the definition cannot work */
export function checkConsumer<T>(consumer: ConsumerDefinition<T>): void {
  checkStream(consumer.stream);
  checkName('durable', consumer.durable);
  checkPositive(`durable ${consumer.durable}: maxBatch`, consumer.maxBatch);
  checkPositive(`durable ${consumer.durable}: maxAttempts`, consumer.maxAttempts);
}

/** @throws RangeError when the topic has no usable name */
export function checkTopic<T>(topic: Topic<T>): void {
  checkName('topic', topic.name);
}

function checkPositive(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${what} must be a whole number above zero`);
}

/** The shard of a key: the same in every process and release. */
export function shardOf(key: string, shards: number): number {
  return shards === 1 ? 0 : hash(key) % shards;
}

/** FNV-1a over UTF-16 code units, with a final mix because its low bits alone spread short keys badly. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
