import type { Call } from '../exchange/call.ts';
import type { Dialect } from '../exchange/dialect.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { Route } from './routes.ts';

/** In whose shape a call's caller expects errors: its own dialect's, else that of the vendor whose path it used. */
export function errorDialect(call: Call, route?: Route): Dialect {
  const dialect = call.dialect ?? route?.dialect;
  if (dialect !== undefined) return dialect;
  return dialects[call.path.startsWith('/v1/messages') ? 'anthropic-messages' : 'openai-chat'];
}
