import type { Call } from './call.ts';
import type { Reply } from './reply.ts';

/** Whoever can answer a call: the provider over HTTP, or a simulated one. The pipeline's last stage asks it. */
export interface Upstream {
  /**
   * Sends the call as it stands. Resolves as soon as the answer begins, whatever its status.
   * Heeds `call.cancellation`.
   * @throws EconomizerError of kind `upstream`, `timeout` or `cancelled` when no answer begins.
   */
  send(call: Call): Promise<Reply>;
}
