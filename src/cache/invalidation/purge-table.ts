import { ageOf, mergeMarks, noMark, sameMark, type Mark } from './mark.ts';

/** In place of a tenant's name: a purge for all of them. No tenant is called so. */
export const everyTenant = '';
/** The selector that means everything of its tenant. */
export const everything = 'all';
/** The selector that means everything that came from a tier shared with other gateways: the table that they share was lost. */
export const everythingShared = 'shared';

/** One line of the table: plain data, since it goes to threads, files and other gateways. */
export interface Purged {
  /** `everyTenant` for all. */
  readonly tenant: string;
  /** `everything`, `key:...`, `prefix:...` or a tag as entries bear it. */
  readonly selector: string;
  readonly mark: Mark;
}

/** What a table says of an entry. */
export type PurgeVerdict =
  | { readonly kind: 'kept' }
  | { readonly kind: 'gone' }
  /** It counts as past its time since then, in milliseconds since the epoch. */
  | { readonly kind: 'stale'; readonly since: number };

/** An entry, as far as a purge is held against it; see `CacheEntry`. */
export interface Labelled {
  readonly key: string;
  readonly tags?: readonly string[] | undefined;
  readonly epoch?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
}

/** Who reads an entry, and from where. */
export interface Reading {
  /** The tier that had it is shared with other gateways. */
  readonly shared?: boolean;
  /** The caller's tenant. */
  readonly reader?: string | undefined;
}

export interface PurgeTableLimits {
  /** Selectors kept apart for one tenant. */
  readonly perTenant: number;
  /** Selectors kept apart in all. */
  readonly total: number;
  /** Prefixes kept apart for one tenant: each is held against each tag of an entry. */
  readonly prefixes: number;
}

export const defaultPurgeLimits: PurgeTableLimits = {
  perTenant: 2000,
  total: 20_000,
  prefixes: 64,
};

const noReading: Reading = {};
const kept: PurgeVerdict = { kind: 'kept' };
const gone: PurgeVerdict = { kind: 'gone' };

class Group {
  readonly marks = new Map<string, Mark>();
  /** Without their kind. */
  readonly prefixes = new Map<string, Mark>();
  keys = 0;
  /** Version of the last purge here. */
  last = 0;

  set(selector: string, mark: Mark): void {
    this.last = Math.max(this.last, mark.hard, mark.soft);
    if (!this.marks.has(selector) && selector.startsWith('key:')) this.keys++;
    this.marks.set(selector, mark);
    if (selector.startsWith('prefix:')) this.prefixes.set(selector.slice(7), mark);
  }

  delete(selector: string): void {
    if (!this.marks.delete(selector)) return;
    if (selector.startsWith('key:')) this.keys--;
    this.prefixes.delete(selector.slice(7));
  }
}

/**
 * What was purged, asked at every read of an entry. An entry carries the version of the table that was known when its answer was asked
 * for; a later purge that means one of its tags makes it a miss in every tier at once, and no clock of any gateway has a say in that.
 * Bounded: what is oldest is folded into a purge of the whole tenant, which loses answers and never brings one back.
 */
export class PurgeTable {
  readonly #groups = new Map<string, Group>();
  readonly #limits: PurgeTableLimits;
  #size = 0;
  #version = 0;

  constructor(limits: PurgeTableLimits = defaultPurgeLimits) {
    this.#limits = limits;
  }

  /** The greatest version that it has heard of. */
  get version(): number {
    return this.#version;
  }

  /** The version of the last purge that could mean entries of this tenant; 0 for none. */
  versionFor(tenant: string): number {
    if (this.#size === 0) return 0;
    const all = this.#groups.get(everyTenant)?.last ?? 0;
    return Math.max(all, this.#groups.get(tenant)?.last ?? 0);
  }

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Generator<Purged> {
    for (const [tenant, { marks }] of this.#groups) {
      for (const [selector, mark] of marks) yield { tenant, selector, mark };
    }
  }

  /** Takes in what was purged. @returns the lines that are new or more than was known. */
  merge(lines: Iterable<Purged>): readonly Purged[] {
    const news: Purged[] = [];
    for (const { tenant, selector, mark } of lines) {
      const group = this.#groupOf(tenant);
      const known = group.marks.get(selector);
      const merged = mergeMarks(known ?? noMark, mark);
      if (known !== undefined && sameMark(known, merged)) continue;
      if (known === undefined) this.#size++;
      group.set(selector, merged);
      this.#version = Math.max(this.#version, merged.hard, merged.soft, merged.softBeforeAt);
      news.push({ tenant, selector, mark: merged });
    }
    return news;
  }

  /** Brings the table back within its limits. @returns what took the place of what, for whoever keeps it on disk. */
  fold(): { readonly raised: readonly Purged[]; readonly dropped: readonly Purged[] } {
    const dropped: Purged[] = [];
    const raised = new Set<string>();
    for (const [tenant, group] of this.#groups) {
      const { perTenant, prefixes } = this.#limits;
      if (group.marks.size > perTenant) this.#foldOldest(tenant, group.marks, dropped, raised);
      if (group.prefixes.size > prefixes) {
        const named = new Map([...group.prefixes].map(([text, mark]) => [`prefix:${text}`, mark]));
        this.#foldOldest(tenant, named, dropped, raised);
      }
    }
    while (this.#size > this.#limits.total) {
      const [tenant, group] = this.#largest();
      if (group.marks.size > 1) this.#foldOldest(tenant, group.marks, dropped, raised);
      else this.#foldTenants(dropped, raised);
    }
    const lines = [...raised].flatMap((tenant) => {
      const mark = this.#groups.get(tenant)?.marks.get(everything);
      return mark === undefined ? [] : [{ tenant, selector: everything, mark }];
    });
    return { raised: lines, dropped };
  }

  /** Holds what was purged against an entry. */
  judge(entry: Labelled, { shared = false, reader }: Reading = noReading): PurgeVerdict {
    if (this.#size === 0) return kept;
    const owner = ownerOf(entry);
    const all = this.#groups.get(everyTenant);
    let since = judgeBy(all, entry, 0);
    if (shared) since = held(all?.marks.get(everythingShared), entry, since);
    if (owner !== undefined) since = judgeBy(this.#groups.get(owner), entry, since);
    // Where tenants share answers, each purges for itself what another's call brought.
    if (reader !== undefined && reader !== owner) {
      since = judgeBy(this.#groups.get(reader), entry, since);
    }
    if (since < 0) return gone;
    return since === 0 ? kept : { kind: 'stale', since };
  }

  #groupOf(tenant: string): Group {
    let group = this.#groups.get(tenant);
    if (group === undefined) this.#groups.set(tenant, (group = new Group()));
    return group;
  }

  #largest(): readonly [string, Group] {
    return [...this.#groups].reduce((one, other) =>
      other[1].marks.size > one[1].marks.size ? other : one,
    );
  }

  /** The older half becomes part of the purge of the whole tenant. */
  #foldOldest(
    tenant: string,
    from: ReadonlyMap<string, Mark>,
    dropped: Purged[],
    raised: Set<string>,
  ): void {
    const lines = [...from].filter(([selector]) => selector !== everything);
    lines.sort(([, one], [, other]) => ageOf(one) - ageOf(other));
    for (const [selector, mark] of lines.slice(0, Math.ceil(lines.length / 2))) {
      this.#drop({ tenant, selector, mark }, tenant, dropped);
    }
    raised.add(tenant);
  }

  /** So many tenants that each has one line: those lines become a purge for all. */
  #foldTenants(dropped: Purged[], raised: Set<string>): void {
    const lines = [...this];
    for (const line of lines) {
      if (line.tenant === everyTenant) continue;
      raised.delete(line.tenant);
      this.#drop(line, everyTenant, dropped);
      this.#groups.delete(line.tenant);
    }
    raised.add(everyTenant);
  }

  #drop(line: Purged, into: string, dropped: Purged[]): void {
    this.#groups.get(line.tenant)?.delete(line.selector);
    this.#size--;
    dropped.push(line);
    this.merge([{ ...line, tenant: into, selector: everything }]);
  }
}

function ownerOf({ tags }: Labelled): string | undefined {
  const first = tags?.[0];
  return first?.startsWith('tenant:') === true ? first.slice(7) : undefined;
}

/** Below 0: gone; 0: kept; else since when it is stale. */
function judgeBy(group: Group | undefined, entry: Labelled, before: number): number {
  if (group === undefined || before < 0) return before;
  const { marks, prefixes } = group;
  let since = held(marks.get(everything), entry, before);
  if (group.keys > 0) since = held(marks.get(`key:${entry.key}`), entry, since);
  for (const tag of entry.tags ?? []) {
    if (since < 0) return since;
    since = held(marks.get(tag), entry, since);
    if (prefixes.size === 0) continue;
    for (const [prefix, mark] of prefixes) {
      if (beginsWith(tag, prefix)) since = held(mark, entry, since);
    }
  }
  return since;
}

function held(mark: Mark | undefined, { epoch = 0, storedAt }: Labelled, since: number): number {
  if (mark === undefined || since < 0) return since;
  if (epoch < mark.hard || storedAt < mark.hardBefore) return -1;
  let stale = since;
  if (epoch < mark.soft) stale = stale === 0 ? mark.soft : Math.min(stale, mark.soft);
  if (storedAt < mark.softBefore) {
    stale = stale === 0 ? mark.softBeforeAt : Math.min(stale, mark.softBeforeAt);
  }
  return stale;
}

const named = /^(?:tag|model|agent|provider|policy|team):/;

/** A prefix is one of the tag as a whole (`model:gpt-`) or, where it names no kind, of its name (`gpt-`, `docs/`). */
function beginsWith(tag: string, prefix: string): boolean {
  if (named.test(prefix)) return tag.startsWith(prefix);
  // What everything of a tenant bears is no name that anybody gave.
  return !/^(?:tenant|edge):/.test(tag) && tag.startsWith(prefix, tag.indexOf(':') + 1);
}
