/** Writes the pages of `docs/reference` that come from the code. A test holds them fresh. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema, type SettingSchema } from '../src/config/json-schema.ts';
import { adminRoutes, type AdminParts } from '../src/gateway/admin/routes.ts';
import { boundReasons } from '../src/exchange/wire/bound.ts';
import { unfitReasons } from '../src/exchange/wire/unfit.ts';
import { errorCodes } from '../src/kernel/error-codes.ts';
import { root } from './steps.ts';

const generated = '<!-- Made by `npm run reference`; edit the sources instead. -->';

/** Generated pages by their path. */
export function referencePages(): Readonly<Record<string, string>> {
  return {
    'docs/reference/admin.md': adminPage(),
    'docs/reference/config.md': configPage(),
    'docs/reference/errors.md': errorPage(),
    'docs/reference/not-reused.md': notReusedPage(),
  };
}

function adminPage(): string {
  // Routes touch their parts only when they answer.
  const routes = adminRoutes({} as AdminParts);
  const sections = routes.map(({ method, path, summary, fields, answer, ...for_ }) => {
    const who = for_.forReaders
      ? 'read, admin, operator'
      : for_.forTenants
        ? 'admin, operator'
        : 'operator';
    const rows = Object.entries(fields ?? {}).map(([name, text]) => `| \`${name}\` | ${text} |`);
    return [
      `## ${method} /economizer/admin/${path}\n`,
      `${summary} For: ${who}.\n`,
      ...(rows.length === 0 ? [] : ['| field | meaning |', '|---|---|', ...rows, '']),
      `Answer: ${answer}.\n`,
    ].join('\n');
  });
  return `# Admin API

${generated}

JSON over HTTP, at the gateway's own address. Callers show their key as a bearer token or in \`x-api-key\`:

- the key that \`ECONOMIZER_ADMIN_KEY\` (at least 24 characters) or \`access.admin_sha256\` names, or a [key](../guide/keys.md) with the scope \`operator\`,
  administers the whole installation;
- a key with the scope \`admin\` administers its tenant and sees nothing of others;
- a key with the scope \`read\` sees what was spent with it.

Without such a key the API answers nobody, not even on its own machine: what runs there, or a page in its browser, is not its administrator. There are no CORS headers,
nothing that it says may be cached, and a body must come as \`application/json\`, of at most 64 KiB. What a \`GET\` asks is said in its query, and so is
the \`tenant\` of a key that is there already; all else in the body. An error is \`{"error": {"type", "code", "message", "param"}}\`, with a [code](errors.md).

\`\`\`sh
curl -H "Authorization: Bearer $ECONOMIZER_ADMIN_KEY" -H 'Content-Type: application/json' \\
  -d '{"id": "ci", "tenant": "acme", "expires": "90d"}' http://127.0.0.1:8787/economizer/admin/keys
\`\`\`

${sections.join('\n')}`;
}

function configPage(): string {
  return `# Configuration

${generated}

The file is YAML or JSON: the one that \`--config FILE\` names, else \`ECONOMIZER_CONFIG\`, else \`economizer.yaml\` in the
directory of the command, else none; nothing in it is required. \`economizer check\` explains every fault at once, and
\`economizer check --schema\` prints its JSON Schema for editors.

- **Durations** need their unit: \`250ms\`, \`10s\`, \`5m\`, \`1h\`, \`2d\`. **Sizes** are \`512KiB\`, \`64MiB\`, \`100MB\` or a number of bytes.
- **Environment**: \`\${NAME}\` and \`\${NAME:-default}\` in any value; a variable that is not set is a fault. \`$\${\` stands for \`\${\`.
- **Without a file** the SDKs' own variables are enough: \`OPENAI_API_KEY\`, \`OPENAI_BASE_URL\`, \`OPENAI_ORG_ID\`,
  \`OPENAI_PROJECT_ID\`, \`ANTHROPIC_API_KEY\`, \`ANTHROPIC_BASE_URL\`; \`ECONOMIZER_DATA\` names the data directory, \`ECONOMIZER_ADMIN_KEY\` the key of the [admin API](admin.md). A setting
  in the file goes before its variable, except that \`ECONOMIZER_DATA\` goes first. A base URL
  variable that names the gateway itself is meant for its clients and passed over.

${sections('', configJsonSchema()).join('\n')}`;
}

/** One table for the settings of a mapping, then those of the mappings inside it. */
function sections(prefix: string, schema: SettingSchema): readonly string[] {
  const entries = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required);
  const rows = entries
    .filter(([, each]) => innerOf(each) === undefined)
    .map(([name, each]) => row(prefix + name, each, required.has(name)));
  const title = prefix === '' ? 'Top level' : `\`${prefix.replace(/\.$/, '')}\``;
  const table = [
    `## ${title}\n`,
    ...(prefix === '' || schema.description === undefined ? [] : [`${schema.description}\n`]),
    '| setting | what it is | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ];
  const inner = entries.flatMap(([name, each]) => {
    const found = innerOf(each);
    return found === undefined ? [] : sections(`${prefix}${name}${found.step}.`, found.schema);
  });
  return [...(rows.length === 0 ? [] : table), ...inner];
}

/** The mapping that a setting holds, directly, for each name, or for each item. */
function innerOf(
  schema: SettingSchema,
): { readonly step: string; readonly schema: SettingSchema } | undefined {
  const { additionalProperties: named, items, description } = schema;
  if (schema.properties !== undefined) return { step: '', schema };
  const inner = items ?? (typeof named === 'object' ? named : undefined);
  if (inner?.properties === undefined) return undefined;
  return {
    step: items === undefined ? '.NAME' : '[]',
    schema: { ...inner, ...(description === undefined ? {} : { description }) },
  };
}

function row(path: string, schema: SettingSchema, required: boolean): string {
  const usual = schema.default === undefined ? '' : `\`${plainText(schema.default)}\``;
  const cells = [
    `\`${path}\``,
    schema.kind ?? '',
    required ? '**required**' : usual,
    schema.description ?? '',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A default as the file would have it; an empty list is none. */
function plainText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function errorPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { kind, when }]) => `| \`${code}\` | ${kind} | ${when} |`,
  );
  return `# Error codes

${generated}

Every failure that Economizer itself reports has one of these codes: in the \`code\` of an error body (in the shape of the
dialect that was spoken, so that the vendor's SDK understands it), in the ledger, and on the second line of a failed command.
The message says what to do. Errors of the provider are not in this list: they reach the caller as the provider sent them.

| code | kind | when |
|---|---|---|
${rows.join('\n')}
`;
}

function notReusedPage(): string {
  const table = (reasons: Readonly<Record<string, string>>): string =>
    Object.entries(reasons)
      .map(([reason, why]) => `| \`${reason}\` | ${why} |`)
      .join('\n');
  return `# What is not reused

${generated}

The word stands in \`detail\` of the \`Cache-Status\` header. Why these are the rules: [caching](../guide/caching.md).

## Requests that are neither answered from store nor stored

| detail | why |
|---|---|
${table(boundReasons)}
| \`sampled\` | It asks for chance: temperature above 0 without a seed (\`cache.reuse_sampled\`). |
| \`sampling-unset\` | It says nothing of temperature or seed, and \`cache.reuse_unset\` is off. |
| \`no-store\` | Its \`Cache-Control\` says so. |
| \`disabled\` | \`cache.enabled\` is off. |
| \`policy-off\` | The mode of its cache policy is \`off\`. |
| \`write-only\` | The mode of its cache policy is \`write-only\`: its answer is stored for others. |

## Answers that are not stored

| detail | why |
|---|---|
${table(unfitReasons)}
| \`status-NNN\` | Its status is not 200. |
| \`upstream-no-store\` | The provider’s \`Cache-Control\` says so. |
| \`too-large\` | It is larger than \`cache.max_answer_bytes\`. |
`;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(referencePages()))
    writeFileSync(join(root, path), text);
}
