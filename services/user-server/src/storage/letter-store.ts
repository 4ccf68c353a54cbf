import type { Database, Transaction } from '@ganglion/database';
import type { Letter } from '../domain/ports.js';

/** A letter that one process is sending. */
export interface ClaimedLetter extends Letter {
  readonly letterId: number;
  /** How often it was tried, this time included. */
  readonly attempts: number;
}

interface LetterRow extends Record<string, unknown> {
  letter_id: number;
  recipient: string;
  subject: string;
  text_body: string;
  html_body: string;
  attempts: number;
}

/** Letters that a mail server is yet to take. */
export class LetterStore {
  constructor(private readonly db: Database) {}

  /** The letter that has been due longest, which is nobody else's for so long. */
  async claim(forMs: number): Promise<ClaimedLetter | undefined> {
    const { rows } = await this.db.query<LetterRow>({
      name: 'claim-letter',
      text: `UPDATE user_server.letters SET attempts = attempts + 1, due_at = now() + $1 * interval '1 millisecond'
             WHERE letter_id = (SELECT letter_id FROM user_server.letters WHERE due_at <= now() AND expires_at > now()
                                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING letter_id, recipient, subject, text_body, html_body, attempts`,
      values: [forMs],
    });
    const [row] = rows;
    if (row === undefined) return undefined;
    const { letter_id, text_body, html_body, ...rest } = row;
    return { ...rest, letterId: letter_id, text: text_body, html: html_body };
  }

  async postpone(letterId: number, byMs: number): Promise<void> {
    await this.db.query({
      name: 'postpone-letter',
      text: `UPDATE user_server.letters SET due_at = now() + $2 * interval '1 millisecond' WHERE letter_id = $1`,
      values: [letterId, byMs],
    });
  }

  async remove(letterId: number): Promise<void> {
    await this.db.query({
      name: 'remove-letter',
      text: 'DELETE FROM user_server.letters WHERE letter_id = $1',
      values: [letterId],
    });
  }
}

/** Puts a letter among those to be sent, together with what it is about. It is of no use after a while. */
export async function addLetter(tx: Transaction, letter: Letter, lifetimeMs: number): Promise<void> {
  await tx.query({
    name: 'add-letter',
    text: `INSERT INTO user_server.letters (recipient, subject, text_body, html_body, expires_at)
           VALUES ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')`,
    values: [letter.recipient, letter.subject, letter.text, letter.html, lifetimeMs],
  });
}
