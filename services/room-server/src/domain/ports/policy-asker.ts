import type { Pdu, PolicyServer } from '@ganglion/protocol';

/** Whoever asks policy servers for their recommendations. */
export interface PolicyAsker {
  /**
   * The event with the policy server's signature beside its own.
   *
   * @param origin which of our names asks
   * @throws MatrixError as the policy server refuses
   */
  ask(origin: string, pdu: Pdu, roomVersion: string, server: PolicyServer): Promise<Pdu>;
}
