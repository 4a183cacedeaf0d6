/** Headers (names and values in turn) of a request whose answer must come as it is, since it is to be read on its way. */
export function withIdentityEncoding(headers: readonly string[]): readonly string[] {
  const kept: string[] = ['accept-encoding', 'identity'];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]!.toLowerCase() === 'accept-encoding') continue;
    kept.push(headers[index]!, headers[index + 1]!);
  }
  return kept;
}
