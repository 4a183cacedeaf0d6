const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Bytes of a size such as `64MiB`, `100 MB` or `4096`; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = units[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes as people write them: `64MiB`, `100MB`, `4096 bytes`. */
export function sizeText(bytes: number): string {
  for (const [unit, name] of [
    [units['gib']!, 'GiB'],
    [units['gb']!, 'GB'],
    [units['mib']!, 'MiB'],
    [units['mb']!, 'MB'],
    [units['kib']!, 'KiB'],
    [units['kb']!, 'kB'],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${name}`;
  }
  return `${bytes} bytes`;
}

/** Milliseconds as people write them: `10s`, `2h`, `250ms`. */
export function durationText(ms: number): string {
  for (const [unit, name] of [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
  ] as const) {
    if (ms >= unit && ms % unit === 0) return `${ms / unit}${name}`;
  }
  return `${ms}ms`;
}
