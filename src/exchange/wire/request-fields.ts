import { EconomizerError } from '../../kernel/errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { isName } from '../../kernel/names.ts';
import type { RequestFacts } from '../dialect.ts';
import { sessionOfPerson } from '../session-name.ts';

/** @throws EconomizerError `ECO_BAD_FIELD` unless `model` is a name. */
export function readModel(body: JsonObject): string {
  const model = body['model'];
  if (typeof model === 'string' && model !== '') return model;
  throw badField('model', model, 'the name of a model, a text that is not empty');
}

/** A flag that may be left out or null. */
export function readFlag(body: JsonObject, name: string): boolean {
  const value = body[name];
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw badField(name, value, 'true or false');
}

/** A number that may be left out or null. */
export function readNumber(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return value;
  throw badField(name, value, 'a number');
}

/** A text or a list, such as a prompt or an input. */
export function readTextOrList(body: JsonObject, name: string): void {
  const value = body[name];
  if (typeof value === 'string' || Array.isArray(value)) return;
  throw badField(name, value, 'a text or a list');
}

/** The list of messages. */
export function readMessages(body: JsonObject): readonly JsonValue[] {
  const messages = body['messages'];
  if (Array.isArray(messages)) return messages as readonly JsonValue[];
  throw badField('messages', messages, 'a list of messages');
}

/** How the answer is drawn. `top_p` and its like do not matter: without randomness they change nothing, with it they leave it. */
export function readSampling(body: JsonObject): RequestFacts['sampling'] {
  const temperature = readNumber(body, 'temperature');
  const seed = readNumber(body, 'seed');
  if (temperature === 0) return 'greedy';
  if (seed !== undefined && Number.isInteger(seed)) return 'seeded';
  return temperature === undefined ? 'unset' : 'sampled';
}

/**
 * The caller's names in OpenAI's `metadata`. `safety_identifier` and `user`, its older form, name people, not conversations: one stands for a
 * session only where nothing else does.
 */
export function readNames(body: JsonObject): Pick<RequestFacts, 'agent' | 'session'> {
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  return {
    agent: nameIn(metadata['agent']),
    session:
      nameIn(metadata['session']) ??
      nameIn(metadata['session_id']) ??
      nameIn(metadata['conversation_id']) ??
      nameIn(body['prompt_cache_key']) ??
      sessionOfPerson(nameIn(body['safety_identifier']) ?? nameIn(body['user'])),
  };
}

/** Few lists of tools make many calls: the turns of a conversation share theirs. */
const toolNames = new WeakMap<object, readonly string[]>();
const noTools: { readonly tools?: readonly string[] } = {};

/** The names of the tools that a request offers, in whichever form its dialect has them. */
export function readTools(body: JsonObject): { readonly tools?: readonly string[] } {
  const list = body['tools'];
  if (!Array.isArray(list) || list.length === 0) return noTools;
  let tools = toolNames.get(list);
  if (tools === undefined) {
    tools = (list as readonly JsonValue[]).flatMap((tool) => {
      if (!isObject(tool)) return [];
      const own = isObject(tool['function']) ? tool['function'] : tool;
      return nameIn(own['name']) ?? [];
    });
    toolNames.set(list, tools);
  }
  return { tools };
}

/** The text where it can be a name; what was meant for others and cannot is passed over. */
export function nameIn(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && isName(value) ? value : undefined;
}

function badField(param: string, value: JsonValue | undefined, allowed: string): EconomizerError {
  const got = value === undefined ? 'it is missing' : `got ${shown(value)}`;
  return new EconomizerError('ECO_BAD_FIELD', `\`${param}\` must be ${allowed}; ${got}.`, {
    param,
  });
}

const shownLength = 60;

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
