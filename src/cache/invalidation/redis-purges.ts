import { randomBytes } from 'node:crypto';
import type { RedisLink, RedisReply, RedisScript } from '../../services/redis.ts';
import { purgedAt, type PurgeOrder, type SharedPurgeStore } from './purge-store.ts';
import { everyTenant, everythingShared, type Purged } from './purge-table.ts';
import { marked, numbersOf } from './mark.ts';

export interface RedisPurgesOptions {
  readonly link: RedisLink;
  /** Before our own names, so that several installations can share a server. */
  readonly prefix: string;
  /** For one command, in milliseconds. */
  readonly deadlineMs: number;
  /** Hears why nothing can be heard. */
  readonly onFailure: (error: unknown) => void;
}

/** Field of the hash for the last version; no line is called so, since each has a line feed in its name. */
const versionField = 'version';
/** Field of the line that begins a table. */
const beginning = `${everyTenant}\\n${everythingShared}`;

/**
 * `merge` takes the greater of each number; `tell` says what that has changed, in the same step: who listens misses nothing that is in
 * the table. A message is JSON: who speaks, then field and value of each line. ARGV: channel, who speaks.
 */
const merge = `
local news = {ARGV[2]}
local function merge(field, mark)
  local known = redis.call('HGET', KEYS[1], field)
  local old = known and cjson.decode(known) or {0, 0, 0, 0, 0}
  for i = 1, 5 do
    if old[i] > mark[i] then mark[i] = old[i] end
  end
  local value = string.format('[%.17g,%.17g,%.17g,%.17g,%.17g]', unpack(mark))
  if value == known then return end
  redis.call('HSET', KEYS[1], field, value)
  news[#news + 1] = field
  news[#news + 1] = value
end
local function tell()
  if #news > 1 then redis.call('PUBLISH', ARGV[1], cjson.encode(news)) end
end
`;

/** ARGV, after the two of `merge`: the greatest version that is known, the time, then field and mark of each line. */
const nextVersion: RedisScript = {
  source: `
local stored = tonumber(redis.call('HGET', KEYS[1], '${versionField}') or '0')
local version = math.max(stored + 1, tonumber(ARGV[3]) + 1, tonumber(ARGV[4]))
${merge}
for i = 5, #ARGV, 2 do
  local mark = cjson.decode(ARGV[i + 1])
  for n = 1, 5 do
    if mark[n] == -1 then mark[n] = version end
  end
  -- Of several gateways that find no table, one begins it.
  local begun = ARGV[i] == '${beginning}' and redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1
  if not begun then merge(ARGV[i], mark) end
end
redis.call('HSET', KEYS[1], '${versionField}', string.format('%.0f', version))
tell()
return string.format('%.0f', version)
`,
};

/** ARGV, after the two of `merge`: how many lines, field and mark of each, then the fields that are forgotten. */
const keepLines: RedisScript = {
  source: `
${merge}
local lines = tonumber(ARGV[3])
for i = 4, 3 + 2 * lines, 2 do
  local mark = cjson.decode(ARGV[i + 1])
  merge(ARGV[i], mark)
end
for i = 4 + 2 * lines, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
tell()
return 1
`,
};

/** As a script, since a plain answer to HGETALL differs with the protocol's version. */
const loadAll: RedisScript = { source: `return redis.call('HGETALL', KEYS[1])` };

/** Lua takes some thousand arguments at most. */
const linesAtOnce = 500;

/** The purges of all gateways that share a Redis. The version is given out there, so that no gateway's clock has a say in the order. */
export function createRedisPurges(options: RedisPurgesOptions): SharedPurgeStore {
  const { link, prefix, deadlineMs, onFailure } = options;
  const key = `${prefix}purges`;
  const channel = key;
  const self = randomBytes(12).toString('base64url');
  return {
    async load() {
      return linesOf(await link.script(loadAll, [key], [], deadlineMs));
    },
    async add(orders: readonly PurgeOrder[], known, now) {
      // The version is not known before: -1 stands for it.
      const lines = orders.map((order) => purgedAt(order, -1));
      const args = lines.flatMap(({ tenant, selector, mark }) => [
        `${tenant}\n${selector}`,
        JSON.stringify(numbersOf(mark)),
      ]);
      const given = [channel, self, String(known), String(now), ...args];
      const reply = await link.script(nextVersion, [key], given, deadlineMs);
      const version = Number(String(reply));
      return orders.map((order) => purgedAt(order, version));
    },
    async keep(lines, folded = []) {
      for (let at = 0; at === 0 || at < lines.length; at += linesAtOnce) {
        const some = lines.slice(at, at + linesAtOnce);
        const isLast = at + linesAtOnce >= lines.length;
        const dropped = isLast
          ? folded.map(({ tenant, selector }) => `${tenant}\n${selector}`)
          : [];
        if (some.length === 0 && dropped.length === 0) return;
        const args = some.flatMap(({ tenant, selector, mark }) => [
          `${tenant}\n${selector}`,
          JSON.stringify(numbersOf(mark)),
        ]);
        const given = [channel, self, String(some.length), ...args, ...dropped];
        await link.script(keepLines, [key], given, deadlineMs);
      }
    },
    listen(onNews, onGap) {
      const hear = (message: Buffer): void => {
        try {
          const [speaker, ...texts] = JSON.parse(message.toString('utf8')) as string[];
          if (speaker !== self) onNews(linesOf(texts));
        } catch (error) {
          onFailure(error);
          onGap(); // what it said is in the table
        }
      };
      const subscription = link.subscribe(channel, hear, onGap);
      return {
        // What was said before it stood was not heard.
        tried: subscription.then(onGap, onFailure),
        end() {
          subscription.then((end) => end()).catch(onFailure);
        },
      };
    },
    close() {}, // the link is its maker's
  };
}

function linesOf(reply: RedisReply): readonly Purged[] {
  const texts = Array.isArray(reply) ? reply.map(String) : [];
  const lines: Purged[] = [];
  for (let index = 0; index + 1 < texts.length; index += 2) {
    const [name, value] = [texts[index]!, texts[index + 1]!];
    const split = name.indexOf('\n');
    if (split < 0) continue;
    const mark = marked(JSON.parse(value) as number[]);
    lines.push({ tenant: name.slice(0, split), selector: name.slice(split + 1), mark });
  }
  return lines;
}
