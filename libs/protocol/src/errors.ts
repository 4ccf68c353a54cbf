/** The base of every error this library throws on purpose: input of any shape leads to one of these or to a result. */
export abstract class ProtocolError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}
