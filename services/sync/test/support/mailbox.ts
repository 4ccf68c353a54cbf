import type { Answer, Person } from './person.js';

/** Sends messages to devices and reads what was sent. */
export const sendTo = (
  sender: Person,
  txnId: string,
  messages: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  type = 'm.test',
): Promise<Answer> => sender.call('PUT', `sendToDevice/${encodeURIComponent(type)}/${txnId}`, { messages });

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
export const messagesIn = (answer: any): { sender: string; type: string; content: { n?: number } }[] =>
  answer.to_device?.events ?? [];

/** The numbers in the next messages that a device gets: it syncs on until it has so many of them. */
export async function numbersUntil(person: Person, count: number): Promise<number[]> {
  const numbers: number[] = [];
  for (const deadline = Date.now() + 60_000; numbers.length < count && Date.now() < deadline; ) {
    numbers.push(...messagesIn(await person.sync({ timeout: 5_000 })).map(({ content }) => content.n!));
  }
  return numbers;
}
