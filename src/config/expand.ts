import { variable, type Environment } from './environment.ts';
import { pathText, type Finding, type Path } from './fault.ts';

/** A value whose `${NAME}` have been filled in. */
export interface Expanded {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** What the file says in place of each value that was filled in, by path text: what may be shown of it. */
  readonly templates: ReadonlyMap<string, string>;
}

const reference = /\$?\$\{([^}]*)\}?/g;
const wellFormed = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
/** Deeper than any setting; a file that nests so deep is not a configuration. */
const deepest = 32;

/**
 * Fills `${NAME}` and `${NAME:-default}` in every text of `value`; `$${` stands for `${` itself. A variable that
 * is not set, and has no default here, is a finding. Settings without a value (`cache:`) are taken as left out.
 */
export function expand(value: unknown, environment: Environment): Expanded {
  const findings: Finding[] = [];
  const templates = new Map<string, string>();

  const text = (template: string, path: Path): string => {
    if (!template.includes('$')) return template;
    const filled = template.replace(reference, (whole, inner: string | undefined) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      const match = whole.endsWith('}') ? wellFormed.exec(inner ?? '') : null;
      if (match === null) {
        findings.push({ path, problem: 'must have its variables as ${NAME} or ${NAME:-default}' });
        return '';
      }
      const found = variable(environment, match[1]!) ?? match[2];
      if (found === undefined) {
        const problem = `needs the environment variable ${match[1]}, which is not set; set it or write \${${match[1]}:-default}`;
        findings.push({ path, problem });
      }
      return found ?? '';
    });
    if (filled !== template) templates.set(pathText(path), template);
    return filled;
  };

  const walk = (each: unknown, path: Path): unknown => {
    if (typeof each === 'string') return text(each, path);
    if (typeof each !== 'object' || each === null) return each;
    if (path.length > deepest) {
      findings.push({
        path: path.slice(0, 1),
        problem: `must not nest deeper than ${deepest} levels`,
      });
      return undefined;
    }
    if (Array.isArray(each)) return each.map((item, index) => walk(item, [...path, index]));
    const entries = Object.entries(each).filter(([, item]) => item !== null);
    return Object.fromEntries(entries.map(([name, item]) => [name, walk(item, [...path, name])]));
  };

  return { value: walk(value, []) ?? {}, findings, templates };
}
