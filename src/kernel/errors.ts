import { errorCodes, type ErrorCode, type ErrorKind } from './error-codes.ts';

const brand = Symbol.for('economizer.error');

export interface ErrorExtras {
  /** What went wrong underneath; never shown to callers. */
  readonly cause?: unknown;
  /** The request field or config path at fault. */
  readonly param?: string;
  /** When asking again may help, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  /** What a program may want to know of it, by name. */
  readonly details?: ErrorDetails | undefined;
}

export type ErrorDetails = Readonly<Record<string, string | number | null>>;

/**
 * Every failure that Economizer reports. `code` is stable and documented in `docs/reference/errors.md`; `kind` is
 * what the edge turns into a status; `message` is one plain sentence that says what to do and is safe to show.
 */
export class EconomizerError extends Error {
  override readonly name = 'EconomizerError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: ErrorDetails | undefined;
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? {} : { cause: extras.cause });
    this.code = code;
    this.kind = errorCodes[code].kind;
    this.param = extras.param;
    this.retryAfterMs = extras.retryAfterMs;
    this.details = extras.details;
  }

  /** True for our errors, even those of another copy of this package. */
  static is(value: unknown): value is EconomizerError {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /** `value` itself if it is ours, else a `ECO_INTERNAL` error that carries it as its cause. */
  static from(value: unknown): EconomizerError {
    if (EconomizerError.is(value)) return value;
    return new EconomizerError(
      'ECO_INTERNAL',
      'Economizer failed to handle this call; its log has the cause.',
      { cause: value },
    );
  }
}
