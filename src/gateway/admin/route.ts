import type { JsonObject } from '../../kernel/json.ts';

export type AdminMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who asks. */
export interface Administrator {
  /** Name of the key that was shown, for journals. */
  readonly name: string;
  /** What it may see and change; undefined: the whole installation. */
  readonly tenant: string | undefined;
  /** Where set, it may only look, and only at what was done with this key of its tenant. */
  readonly readsOnly: { readonly key: string } | undefined;
}

/** A request to the admin API, understood. */
export interface AdminRequest {
  readonly admin: Administrator;
  /** Values of the `:names` in the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Empty where none was sent. */
  readonly body: JsonObject;
}

export interface AdminAnswer {
  /** Made into JSON as it is. */
  readonly body: object;
  /** Something was made: status 201 in place of 200. */
  readonly made?: boolean;
}

/** One route of the admin API. What cannot be done is thrown as an EconomizerError. */
export interface AdminRoute {
  readonly method: AdminMethod;
  /** Below `/economizer/admin/`, such as `keys/:id/rotate`; a part that begins with a colon stands for any text without a slash. */
  readonly path: string;
  /** True where an administrator of one tenant may use it; `handle` then keeps to `request.admin.tenant`. */
  readonly forTenants: boolean;
  /** True where a key that may only `read` may use it too; `handle` then keeps to `request.admin.readsOnly`. */
  readonly forReaders?: boolean;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** What may be in the query or the body, name by name, for the reference page. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What comes back, for the reference page. */
  readonly answer: string;
  handle(request: AdminRequest): Promise<AdminAnswer> | AdminAnswer;
}
