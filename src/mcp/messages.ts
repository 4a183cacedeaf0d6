import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts';

/** The messages of JSON-RPC 2.0, of which the Model Context Protocol is made. Whatever else they hold is passed on. */
export type RpcId = string | number;

export interface RpcRequest {
  readonly jsonrpc: '2.0';
  readonly id: RpcId;
  readonly method: string;
  readonly params?: JsonObject;
}

export interface RpcNotification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: JsonObject;
}

export interface RpcResult {
  readonly jsonrpc: '2.0';
  readonly id: RpcId;
  readonly result: JsonObject;
}

export interface RpcError {
  readonly jsonrpc: '2.0';
  readonly id: RpcId;
  readonly error: JsonObject;
}

export type RpcMessage = RpcRequest | RpcNotification | RpcResult | RpcError;

export function isRequest(message: RpcMessage): message is RpcRequest {
  return 'method' in message && 'id' in message;
}

export function isNotification(message: RpcMessage): message is RpcNotification {
  return 'method' in message && !('id' in message);
}

/** The other side answered with an error; it is passed on as it came. */
export class RpcFault extends Error {
  override readonly name = 'RpcFault';
  readonly error: JsonObject;

  constructor(error: JsonObject) {
    super(typeof error['message'] === 'string' ? error['message'] : 'An error without a message.');
    this.error = error;
  }
}

/** Of the range that JSON-RPC leaves to implementations. */
const serverError = -32_000;

/** An error of ours, in the protocol's form. */
export function ownFault(message: string): RpcFault {
  return new RpcFault({ code: serverError, message });
}

/** A member of an object within the params, where there is one. */
export function objectIn(holder: JsonObject | undefined, name: string): JsonObject | undefined {
  const value: JsonValue | undefined = holder?.[name];
  return isObject(value) ? value : undefined;
}
