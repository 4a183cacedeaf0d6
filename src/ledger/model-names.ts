/** `-20260101`, `-2026-01-01`, `@20260101`, each perhaps with Bedrock's `-v1:0` behind it; or `-latest`. */
const suffix = /(?:[-@](?:\d{8}|\d{4}-\d{2}-\d{2})(?:-v\d+(?::\d+)?)?|-latest)$/;

/** A model's name in lower case without the date of its snapshot: snapshots cost what their model does unless a list says otherwise. */
export function undated(model: string): string {
  return model.trim().toLowerCase().replace(suffix, '');
}

/** A pattern in which `*` stands for anything, as a test on lower-case names. */
export function namePattern(pattern: string): (name: string) => boolean {
  const lower = pattern.trim().toLowerCase();
  if (!lower.includes('*')) return (name) => name === lower;
  const parts = lower.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  return (name) => expression.test(name);
}
