/** Whether `If-None-Match` names this version, by weak comparison (RFC 9110 section 13.1.2). */
export function matches(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  return (
    field.trim() === '*' ||
    field.split(',').some((each) => each.trim().replace(/^W\//, '') === etag)
  );
}
