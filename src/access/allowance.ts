import type { Allowance, Call } from '../exchange/call.ts';
import { isWhole } from '../exchange/reply.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { matchesGlob } from '../kernel/glob.ts';
import { arrayOf, isObject, parseJson, textOf } from '../kernel/json.ts';
import type { KeyTerms } from './terms.ts';

/** What of a key its calls carry with them; undefined where it allows everything, so that most calls pay nothing. */
export function allowanceOf({ models, providers, scopes }: KeyTerms): Allowance | undefined {
  const mayCall = scopes.includes('call');
  if (mayCall && models === undefined && providers === undefined) return undefined;
  return { models, providers, mayCall };
}

/** Lets a call pass that its key allows. @throws EconomizerError `ECO_NOT_ALLOWED`. */
export function allowanceGate(call: Call): void {
  const { allowance } = call.caller;
  if (allowance === undefined) return;
  if (!allowance.mayCall) {
    throw notAllowed('This key is not for calls to models; it lacks the scope "call".');
  }
  checkProvider(allowance, call.provider.name);
  if (allowance.models !== undefined) checkModels(allowance.models, call);
}

/** Whether a call may go to this provider and model too, in place of those that it asked for. */
export function allows(
  allowance: Allowance | undefined,
  target: { readonly provider: string; readonly model: string },
): boolean {
  if (allowance === undefined) return true;
  const { mayCall, models, providers } = allowance;
  return (
    mayCall &&
    (providers?.includes(target.provider) ?? true) &&
    (models === undefined || matchesOne(models, target.model))
  );
}

function checkProvider({ providers }: Allowance, name: string): void {
  if (providers === undefined || providers.includes(name)) return;
  throw notAllowed(`This key may not use the provider "${name}".`);
}

/** What only looks, fetches or removes; no model runs for it. */
const idleMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);

function checkModels(allowed: readonly string[], call: Call): void {
  const { facts, method } = call;
  if (facts === undefined && idleMethods.has(method)) return;
  const named = facts === undefined ? modelsInPath(call.path) : modelsOf(call, facts.model);
  if (named === undefined) {
    throw notAllowed(
      'This key is for certain models only, and which model this request would use cannot be told; use a path that names its model in a JSON body.',
    );
  }
  const other = named.find((model) => !matchesOne(allowed, model));
  if (other === undefined) return;
  const shown =
    other === '' ? 'a model that the request does not name' : `the model "${clip(other)}"`;
  throw notAllowed(`This key may not use ${shown}.`, 'model');
}

function matchesOne(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, model));
}

/** Members by which a body names further models that may answer in place of the first. */
const fallbackMembers = ['models', 'fallbacks', 'fallback_models'];

/** Every model that a body names: the first, its fallbacks, and those of tools that run one. */
function modelsOf({ body }: Call, model: string): readonly string[] | undefined {
  if (body === undefined || !isWhole(body)) return [model];
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // Most bodies have nothing of the kind, which bytes tell sooner than a parse.
  if (!mayNameMore(bytes)) return [model];
  const value = parseJson(bytes.toString('utf8'));
  if (!isObject(value)) return undefined;
  const more = fallbackMembers.flatMap((name) => arrayOf(value[name]).map(modelIn));
  const ofTools = arrayOf(value['tools']).flatMap((tool) =>
    isObject(tool) && tool['model'] !== undefined ? [textOf(tool['model'])] : [],
  );
  const named = [model, ...more, ...ofTools];
  return named.every((each) => each !== undefined) ? named : undefined;
}

/** A name may be written with escapes, so a backslash counts as one. */
function mayNameMore(bytes: Buffer): boolean {
  return (
    bytes.includes('"models"') ||
    bytes.includes('fallback') ||
    bytes.includes('"tools"') ||
    bytes.includes('\\u')
  );
}

function modelIn(value: unknown): string | undefined {
  return isObject(value) ? textOf(value['model']) : textOf(value);
}

/**
 * The model that a path names, as Gemini's `/models/NAME:generateContent` and Azure's `/deployments/NAME/...` do. A path with dots or
 * escapes in it could be understood otherwise further on, so it names none.
 */
function modelsInPath(path: string): readonly string[] | undefined {
  const bare = path.split('?', 1)[0]!;
  if (
    bare.includes('%') ||
    bare.includes('\\') ||
    bare.includes('//') ||
    /\/\.{1,2}(?:\/|$)/.test(bare)
  ) {
    return undefined;
  }
  const named = [...bare.matchAll(/\/(?:models|deployments|engines)\/([^/:]+)/g)];
  return named.length === 1 ? [named[0]![1]!] : undefined;
}

function clip(model: string): string {
  return model.length > 80 ? `${model.slice(0, 80)}…` : model;
}

function notAllowed(message: string, param?: string): EconomizerError {
  return new EconomizerError('ECO_NOT_ALLOWED', message, param === undefined ? {} : { param });
}
