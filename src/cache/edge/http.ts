/** One request to an edge or to the API of one. */
export interface EdgeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly timeoutMs: number;
  /** A larger answer is a failure, in bytes. */
  readonly bytesMax: number;
}

export interface EdgeResponse {
  readonly status: number;
  readonly body: Buffer;
  /** Of the field `retry-after`, in milliseconds; undefined where it is not there or cannot be read. */
  readonly retryAfterMs: number | undefined;
}

/** What the edge needs of HTTP. Follows no redirection. */
export interface EdgeHttp {
  /** @throws EconomizerError `ECO_EDGE` where no whole answer came in time. */
  request(request: EdgeRequest): Promise<EdgeResponse>;
  close(): Promise<void>;
}
