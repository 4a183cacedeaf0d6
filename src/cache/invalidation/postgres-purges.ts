import { randomBytes } from 'node:crypto';
import type { PostgresEar } from '../../services/postgres-ear.ts';
import type { PostgresLink, PostgresRow } from '../../services/postgres.ts';
import { marked, numbersOf } from './mark.ts';
import { versionToCome, type PurgeTables } from './postgres-purge-tables.ts';
import { purgedAt, type PurgeOrder, type SharedPurgeStore } from './purge-store.ts';
import { everyTenant, everythingShared, type Purged } from './purge-table.ts';

export interface PostgresPurgesOptions {
  /** Ours to close. */
  readonly link: PostgresLink;
  /** Makes an ear on the tables' channel. */
  readonly listen: (hears: {
    readonly onNotice: (payload: string) => void;
    readonly onGap: () => void;
  }) => PostgresEar;
  readonly tables: PurgeTables;
  /** Hears why nothing can be heard. */
  readonly onFailure: (error: unknown) => void;
}

/** The purges of all gateways that share a PostgreSQL and no Redis. The version is given out there, so that no gateway's clock has a say in the order. */
export function createPostgresPurges(options: PostgresPurgesOptions): SharedPurgeStore {
  return new PostgresPurges(options);
}

class PostgresPurges implements SharedPurgeStore {
  readonly #options: PostgresPurgesOptions;
  readonly #self = randomBytes(12).toString('base64url');
  readonly #ears = new Set<PostgresEar>();
  /** The last change that was read. */
  #read = 0;

  constructor(options: PostgresPurgesOptions) {
    this.#options = options;
  }

  async load(): Promise<readonly Purged[]> {
    return this.#since(0);
  }

  async add(orders: readonly PurgeOrder[], known: number, now: number): Promise<readonly Purged[]> {
    const { link, tables } = this.#options;
    const lines = orders.map((order) => purgedAt(order, versionToCome));
    const first = [everyTenant, everythingShared];
    const values = [...columnsOf(lines), known, now, ...first, this.#self];
    const [row] = await link.query(tables.add, values);
    const version = Number(row!['version']);
    return orders.map((order) => purgedAt(order, version));
  }

  async keep(lines: readonly Purged[], folded: readonly Purged[] = []): Promise<void> {
    if (lines.length === 0 && folded.length === 0) return;
    const { link, tables } = this.#options;
    const [tenants, selectors] = columnsOf(folded);
    await link.query(tables.keep, [...columnsOf(lines), tenants, selectors, this.#self]);
  }

  listen(onNews: (lines: readonly Purged[]) => void, onGap: () => void) {
    let reading: Promise<void> | undefined;
    let hasMore = false;
    const read = async (): Promise<void> => {
      try {
        do {
          hasMore = false;
          onNews(await this.#since(this.#read));
        } while (hasMore);
      } catch (error) {
        this.#options.onFailure(error);
        onGap();
      }
    };
    const ear = this.#options.listen({
      onNotice: (speaker) => {
        if (speaker === this.#self) return;
        hasMore = true;
        reading ??= read().finally(() => (reading = undefined));
      },
      onGap,
    });
    this.#ears.add(ear);
    return {
      tried: Promise.all([ear.tried, this.#options.link.tried]).then(() => {}),
      end: () => {
        this.#ears.delete(ear);
        ear.close().catch(this.#options.onFailure);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#ears].map((ear) => ear.close()));
    await this.#options.link.close();
  }

  async #since(change: number): Promise<readonly Purged[]> {
    const { link, tables } = this.#options;
    const rows = await link.query(tables.since, [change]);
    for (const row of rows) this.#read = Math.max(this.#read, Number(row['changed']));
    return rows.map(lineOf);
  }
}

function columnsOf(lines: readonly Purged[]): [string[], string[], number[]] {
  return [
    lines.map(({ tenant }) => tenant),
    lines.map(({ selector }) => selector),
    lines.flatMap(({ mark }) => numbersOf(mark)),
  ];
}

function lineOf(row: PostgresRow): Purged {
  const mark = marked(row['marks'] as number[]);
  return { tenant: row['tenant'] as string, selector: row['selector'] as string, mark };
}
