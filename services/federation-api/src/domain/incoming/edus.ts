import { edu } from './edus/edu-contents.js';
import type { Giver } from './room-pdus.js';

/** Takes the EDUs of one type that came together. What of them is malformed, or not for the server to say, is left out. */
export interface EduIntake {
  /** @throws when what is right in them cannot be kept now */
  take(giver: Giver, contents: readonly unknown[]): Promise<void>;
}

/**
 * Hands what comes beside the events of rooms to whoever owns it, before the transaction is answered.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#edus
 */
export class Edus {
  /** @param intakes by the type of EDU; what is of another type is left out */
  constructor(private readonly intakes: ReadonlyMap<string, EduIntake>) {}

  async take(giver: Giver, edus: readonly unknown[]): Promise<void> {
    const byType = new Map<string, unknown[]>();
    for (const each of edus) {
      const parsed = edu.safeParse(each);
      if (!parsed.success) continue;
      const { edu_type: type, content } = parsed.data;
      byType.set(type, [...(byType.get(type) ?? []), content]);
    }
    await Promise.all([...byType].map(([type, contents]) => this.intakes.get(type)?.take(giver, contents)));
  }
}
