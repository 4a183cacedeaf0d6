import { timeForms } from '../doctor/text-difference.ts';
import type { Edit } from '../../kernel/splice.ts';
import type { Span } from '../../kernel/json-members.ts';

/** Longer lines are prose, which is not moved. */
const longestLine = 400;
const readableBytes = 128 * 1024;

/** A line of a JSON string as it is written there, escapes and all. */
export interface RawLine {
  readonly text: string;
  readonly start: number;
  /** Past its line feed, where it has one. */
  readonly end: number;
}

/** The sentences of the lines of the JSON string whose quotes are at `span`; none where it is too long to look at. */
export function rawLines(body: Buffer, span: Span): RawLine[] {
  if (body[span.start] !== 0x22 || span.end - span.start > readableBytes) return [];
  const text = body.toString('latin1', span.start + 1, span.end - 1);
  const lines: RawLine[] = [];
  let from = 0;
  while (from < text.length) {
    const end = endOfLine(text, from);
    const isBroken = text.startsWith('\\n', end - 2) && end > from + 1;
    lines.push(...sentences(text, from, isBroken ? end - 2 : end, end));
    from = end;
  }
  const base = span.start + 1;
  return lines.map(({ text: line, start, end }) => ({
    text: line,
    start: base + start,
    end: base + end,
  }));
}

/** The offset past the escaped line feed that ends the line, or the text's end. */
function endOfLine(text: string, from: number): number {
  for (let at = text.indexOf('\\', from); at >= 0; at = text.indexOf('\\', at + 2)) {
    if (text[at + 1] === 'n') return at + 2;
  }
  return text.length;
}

function sentences(text: string, from: number, to: number, end: number): RawLine[] {
  const found: RawLine[] = [];
  let start = from;
  for (let at = text.indexOf('. ', from); at >= 0 && at + 2 < to; at = text.indexOf('. ', at + 2)) {
    found.push({ text: text.slice(start, at + 1), start, end: at + 2 });
    start = at + 2;
  }
  return [...found, { text: text.slice(start, to), start, end }];
}

/** What stays of a line when times, ids and counts are taken out: equal for all that a template writes. */
export function shapeOf(line: string): string {
  return line
    .replace(/[0-9a-f]{8}-[0-9a-f-]{20,}/gi, '#')
    .replace(/\b(?=[\w-]*\d)[\w-]{6,}\b/g, '#')
    .replace(/\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b/gi, '#')
    .replace(/\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b/gi, '#')
    .replace(/\b[ap]m\b/gi, '#')
    .replace(/\d+/g, '#')
    .replace(/#(?:[^\w#]{0,2}#)+/g, '#');
}

/**
 * The shapes of lines that changed between two texts which are otherwise the same: what a template fills in anew each time.
 * None where the texts differ in more than a few such lines.
 */
export function changedShapes(
  before: readonly RawLine[],
  after: readonly RawLine[],
  isSameConversation: boolean,
): string[] {
  if (before.length !== after.length) return [];
  const shapes: string[] = [];
  for (const [index, line] of after.entries()) {
    const was = before[index]!.text;
    if (line.text === was) continue;
    const shape = shapeOf(line.text);
    if (!isVolatile(line.text, shape) || shape !== shapeOf(was)) return [];
    if (!isSameConversation && !tellsTime(line.text)) return [];
    shapes.push(shape);
  }
  return shapes.length <= 4 ? shapes : [];
}

function tellsTime(line: string): boolean {
  return timeForms.test(line);
}

function isVolatile(line: string, shape: string): boolean {
  return line.length <= longestLine && shape.includes('#');
}

/** The edits that cut lines of these shapes out, and the lines. */
export function cutLines(
  lines: readonly RawLine[],
  shapes: ReadonlySet<string>,
): { readonly edits: Edit[]; readonly cut: string[] } {
  const edits: Edit[] = [];
  const cut: string[] = [];
  for (const { text, start, end } of lines) {
    if (text.length > longestLine || !shapes.has(shapeOf(text))) continue;
    edits.push({ start, end, bytes: Buffer.alloc(0) });
    cut.push(text);
  }
  return { edits, cut };
}
