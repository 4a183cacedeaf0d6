/** Where an entry lies. The braces keep what belongs to a key in one slot of a cluster; the number is the version of the values' form. */
export function placeOf(prefix: string, key: string): string {
  return `${prefix}c1:{${key}}`;
}

/** The key of what lies at a place. */
export function keyAt(prefix: string, place: string): string {
  return place.slice(prefix.length + 4, -1);
}

/** All places, as `SCAN` takes it. */
export function placesPattern(prefix: string): string {
  return `${prefix.replace(/[*?[\]\\]/g, String.raw`\$&`)}c1:{*}`;
}
