import type { PostgresLink } from '../../services/postgres.ts';
import { labelsOf, unpackEntry } from '../answer-codec.ts';
import { PurgeTable, type Purged } from '../invalidation/purge-table.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { TierStats } from '../tier.ts';
import type { Tables } from './postgres-tables.ts';
import { endOfHead, Sealer, sealedHeadBytes, type SealedParts } from './sealed-value.ts';
import { readBatch, type Change } from './sqlite-batch.ts';
import type { WriterReply, WriterTask } from './sqlite-writer.ts';
import type { Writer } from './write-queue.ts';

/** Rows that leave in one statement. */
const evictionStep = 64;
/** Another gateway may have removed the very same ones; more often in a row it has not. */
const idleMost = 3;
const clearStep = 1000;
/** Rows that one tidying looks through for what has expired. */
const tidyStep = 2000;
/** Heads that one step of a sweep reads, and how much of each. */
const sweepStep = 500;
const headBytes = 4096;

export interface PostgresWriterOptions {
  /** One connection, so that what is told first is done first. */
  readonly link: PostgresLink;
  readonly tables: Tables;
  readonly secret: SecretInUse;
  /** Bytes of all entries and bodies, of all gateways together. */
  readonly maxBytes: number;
}

/** Everything that writes to the tables. */
export class PostgresWriter implements Writer {
  readonly #options: PostgresWriterOptions;
  #tail: Promise<unknown> = Promise.resolve();
  #evictions = 0;
  #sweptId = 0;
  #sealer: { readonly secret: string; readonly sealer: Sealer } | undefined;

  constructor(options: PostgresWriterOptions) {
    this.#options = options;
  }

  ask(task: WriterTask): Promise<WriterReply> {
    const done = this.#tail.then(() => this.#perform(task));
    this.#tail = done.catch(() => {}); // whoever asked is told
    return done;
  }

  /** A connection keeps the process alive by itself. */
  hold<Value>(promise: Promise<Value>): Promise<Value> {
    return promise;
  }

  /** The link belongs to who made it. */
  async stop(): Promise<void> {
    await this.#tail;
  }

  /** With the secret that holds now. */
  get sealer(): Sealer {
    const { current } = this.#options.secret;
    if (this.#sealer?.secret !== current) {
      this.#sealer = { secret: current, sealer: new Sealer(current) };
    }
    return this.#sealer.sealer;
  }

  async #perform(task: WriterTask): Promise<WriterReply> {
    switch (task.kind) {
      case 'apply':
        await this.#apply(task.batch, task.usedIds, task.now);
        break;
      case 'tidy':
        await this.#expire(task.now);
        break;
      case 'clear':
        await this.#clear();
        break;
      case 'sweep':
        return { serial: 0, swept: await this.#sweep(task) };
      case 'stats':
        return { serial: 0, stats: await this.#stats() };
      case 'close':
      case 'catch-up':
        break;
    }
    return { serial: 0 };
  }

  async #apply(batch: Uint8Array, usedIds: readonly number[], now: number): Promise<void> {
    const { link, tables } = this.#options;
    const changes = [...readBatch(batch)];
    const puts = changes.filter((change) => change.kind === 'put');
    const parts = await Promise.all(puts.map((put) => this.#sealed(put)));
    const deleted = changes.flatMap(({ kind, key }) => (kind === 'delete' ? [key] : []));
    const bodies = new Map(
      parts.flatMap(({ body }) =>
        body === undefined ? [] : [[body.address.toString('latin1'), body]],
      ),
    );
    const size = parts.reduce((sum, { value }) => sum + value.length + rowBytes, 0);
    const apart = [...bodies.values()];
    await this.#makeRoom(
      size + apart.reduce((sum, { bytes }) => sum + bytes.length + rowBytes, 0),
      now,
    );
    await link.query(tables.apply, [
      deleted,
      usedIds,
      now,
      apart.map(({ address }) => address),
      apart.map(({ bytes }) => bytes),
      puts.map(({ key }) => key),
      parts.map(({ body }) => body?.address ?? null),
      parts.map(({ value }) => value),
      puts.map(({ staleUntil }) => staleUntil),
    ]);
  }

  #sealed({ key, packed }: Change & { kind: 'put' }): Promise<SealedParts> {
    return this.sealer.sealParts(key, unpackEntry(key, packed));
  }

  /** Before the batch, so that the tables never hold more than they may but for what others write at the same time. */
  async #makeRoom(incoming: number, now: number): Promise<void> {
    const { maxBytes, link, tables } = this.#options;
    const limit = maxBytes - incoming;
    if ((await this.#stats()).bytes <= limit) return;
    await this.#expire(now);
    for (let idle = 0; idle < idleMost && (await this.#stats()).bytes > limit;) {
      const gone = await link.query(tables.evict, [evictionStep]);
      await link.query(tables.prune);
      this.#evictions += gone.length;
      if (gone.length === 0) idle++;
    }
  }

  /** Goes round and round over all rows, some at a time: an index by expiry would cost each write what this costs none. */
  async #expire(now: number): Promise<void> {
    const { link, tables } = this.#options;
    const [end] = await link.query(tables.stepEnd, [this.#sweptId, tidyStep]);
    const last = end === undefined ? Number.MAX_SAFE_INTEGER : Number(end['id']);
    await link.query(tables.expire, [this.#sweptId, last, now]);
    await link.query(tables.prune);
    this.#sweptId = end === undefined ? 0 : last;
  }

  async #clear(): Promise<void> {
    const { link, tables } = this.#options;
    const [last] = await link.query(tables.last);
    const upTo = Number(last?.['id']);
    for (;;) {
      const gone = await link.query(tables.removeUpTo, [upTo, clearStep]);
      await link.query(tables.prune);
      if (gone.length === 0) return;
    }
  }

  async #sweep({
    purges,
    remove,
    after,
  }: {
    readonly purges: readonly Purged[];
    readonly remove: boolean;
    readonly after: number;
  }): Promise<{ readonly meant: number; readonly last: number | undefined }> {
    const { link, tables } = this.#options;
    const table = new PurgeTable();
    table.merge(purges);
    const rows = await link.query(tables.heads, [after, sweepStep, headBytes]);
    const gone: string[] = [];
    let meant = 0;
    for (const { id, key, value } of rows) {
      const labels = headOf(value as Buffer);
      const kind = labels && table.judge({ key: key as string, ...labels }, { shared: true }).kind;
      if (kind !== undefined && kind !== 'kept') meant++;
      if (kind === 'gone' && remove) gone.push(id as string);
    }
    if (gone.length > 0) {
      await link.query(tables.remove, [gone]);
      await link.query(tables.prune);
    }
    const last = rows.length < sweepStep ? undefined : Number(rows.at(-1)!['id']);
    return { meant, last };
  }

  async #stats(): Promise<TierStats> {
    const [row] = await this.#options.link.query(this.#options.tables.totals);
    const number = (name: string): number => Number(row?.[name] ?? 0);
    return {
      entries: number('entries'),
      bytes: number('bytes'),
      evictions: this.#evictions,
      sharedBytesSaved: number('saved'),
    };
  }
}

/** Of what is about to be written, on the safe side. */
const rowBytes = 500;

function headOf(value: Buffer) {
  const end = endOfHead(value);
  return end === undefined ? undefined : labelsOf(value.subarray(sealedHeadBytes, end));
}
