/** What an alert's delivery needs of the network; the room `upstream` has it. */
export interface Outgoing {
  /**
   * Posts a body and resolves with the status of the answer, whose body nobody reads. Follows no redirection.
   * @throws EconomizerError where no answer came within `timeoutMs`.
   */
  post(message: OutgoingMessage): Promise<number>;
}

export interface OutgoingMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}
