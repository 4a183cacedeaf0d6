/** What goes wrong with one answer. Where a fault strikes within a stream, `afterChunks` says how many chunks come before it. */
export type FakeFault =
  /** An error status with the dialect's error body. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An HTML page, such as a proxy's. */
  | { readonly kind: 'html'; readonly status: number }
  /** The connection is reset before the first byte. */
  | { readonly kind: 'refuse' }
  /** The connection is reset within the body. */
  | { readonly kind: 'reset'; readonly afterChunks: number }
  /** The stream ends well by the rules of HTTP, but within a frame. */
  | { readonly kind: 'torn-frame'; readonly afterChunks: number }
  /** `content-length` promises so many bytes more (or, negative, fewer) than come. */
  | { readonly kind: 'lying-length'; readonly by: number }
  /** Nothing more comes, and the connection stays open. */
  | { readonly kind: 'silence'; readonly afterChunks: number }
  /** An error event within a stream that began with status 200. */
  | { readonly kind: 'error-event'; readonly afterChunks: number }
  /** The status line comes late. */
  | { readonly kind: 'slow'; readonly ms: number };
