/** Bytes to stand in the place of those from `start` to before `end`; an insertion where the two are equal. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/**
 * New bytes from `body` with the edits made and everything else byte for byte as it was. Edits come in any order; of several insertions
 * at one place the first given comes first. The same buffer where there is nothing to do.
 * @throws RangeError where edits overlap or lie outside: that is a fault of ours, and a body must never go out torn.
 */
export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return body;
  const ordered = edits.toSorted((one, other) => one.start - other.start || one.end - other.end);
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { start, end, bytes } of ordered) {
    if (start < at || end < start || end > body.length) {
      throw new RangeError(`An edit at ${start} to ${end} does not fit ${body.length} bytes.`);
    }
    pieces.push(body.subarray(at, start), bytes);
    at = end;
  }
  pieces.push(body.subarray(at));
  return Buffer.concat(pieces);
}
