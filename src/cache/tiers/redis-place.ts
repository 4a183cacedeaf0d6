/** Where an entry lies. The braces keep what belongs to a key in one slot of a cluster; the number is the version of the values' form. */
export function placeOf(prefix: string, key: string): string {
  return `${prefix}c1:{${key}}`;
}

/** The key of what lies at a place. */
export function keyAt(prefix: string, place: string): string {
  return place.slice(prefix.length + 4, -1);
}

/** What is kept of a body, all in one slot: the key of the entry that has it, while that is one; else the body and who bears it. */
export type BodyPlaces = readonly [mark: string, body: string, bearers: string];

/** As much of an address as tells bodies apart; each is held against the whole when it is read. */
const addressBytes = 16;

export function bodyPlacesOf(prefix: string, address: Buffer): BodyPlaces {
  const name = address.subarray(0, addressBytes).toString('base64url');
  return [`${prefix}m1:{${name}}`, `${prefix}b1:{${name}}`, `${prefix}r1:{${name}}`];
}

/** What lies at a place: an entry, a body, a mark or references. */
export type PlaceKind = 'c' | 'b' | 'm' | 'r';

export function kindAt(prefix: string, place: string): PlaceKind {
  return place[prefix.length] as PlaceKind;
}

/** Of a body, who bears it. */
export function bearersOf(prefix: string, bodyPlace: string): string {
  return `${prefix}r${bodyPlace.slice(prefix.length + 1)}`;
}

/** The places of all things of these kinds, as `SCAN` takes it. */
export function placesPattern(prefix: string, kinds: string): string {
  return `${prefix.replace(/[*?[\]\\]/g, String.raw`\$&`)}[${kinds}]1:{*}`;
}
