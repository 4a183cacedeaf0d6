import type { DialectName } from '../../exchange/dialect.ts';
import type { Span } from '../../kernel/json-members.ts';
import { bodySpans, commonPrefix, spansAfter, type BodySpans } from '../../kernel/json-spans.ts';
import { splice, type Edit } from '../../kernel/splice.ts';
import { promptLayout, type PromptLayout, type RegionName } from '../layout.ts';
import { movedSpans } from './moved-spans.ts';

/** A mark that the client set itself. */
export interface ClientMark {
  readonly region: RegionName;
  readonly item: number;
  readonly isLong: boolean;
  /** Where its name begins in the body. */
  readonly at: number;
}

/** A request's bytes with everything that is known of their places. */
export interface Form {
  readonly body: Buffer;
  readonly spans: BodySpans;
  readonly layout: PromptLayout;
  /** Bytes from the beginning in which all marks are known. */
  readonly same: number;
  /** Those marks. */
  readonly marks: readonly ClientMark[];
  /** Stretches that are no content, where they have been looked for. */
  readonly cuts: readonly Span[];
}

/** A request seen before, whose places spare finding those of one that begins alike. */
export type Seen = Pick<Form, 'body' | 'spans'> & { readonly marks?: readonly ClientMark[] };

/** The form of a body; undefined where it has no prompt that we understand. Only what differs from `seen` is scanned. */
export function formOf(dialect: DialectName, body: Buffer, seen?: Seen): Form | undefined {
  const same = seen === undefined ? 0 : commonPrefix(seen.body, body);
  const spans = seen === undefined ? bodySpans(body) : spansAfter(seen.spans, same, body);
  const layout = promptLayout(dialect, spans, body);
  return layout && { body, spans, layout, same, marks: seen?.marks ?? [], cuts: [] };
}

/** The form after some edits, which leave it a request of the same kind. */
export function edited(dialect: DialectName, form: Form, edits: readonly Edit[]): Form {
  if (edits.length === 0) return form;
  const body = splice(form.body, edits);
  const first = edits.reduce((least, { start }) => Math.min(least, start), body.length);
  const spans = movedSpans(form.spans, edits) ?? spansAfter(form.spans, first, body);
  const layout = promptLayout(dialect, spans, body);
  // Edits are made of whole values, so a layout that was there stays there.
  if (layout === undefined) return form;
  return { body, spans, layout, same: Math.min(form.same, first), marks: form.marks, cuts: [] };
}
