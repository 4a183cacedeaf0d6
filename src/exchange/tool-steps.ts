import { crc32 } from 'node:zlib';
import { CanonicalForm } from '../kernel/canonical.ts';
import {
  arrayOf,
  isObject,
  parseJson,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../kernel/json.ts';
import type { DialectName } from './dialect.ts';

/** One tool call of a conversation and what came of it, as checksums. */
export interface ToolStep {
  /** The tool's name. */
  readonly tool: string;
  /** Of the tool and its arguments, whatever their spelling. */
  readonly call: number;
  /** Of its result; undefined until that has come. */
  readonly result: number | undefined;
  readonly id: string | undefined;
}

/** The last steps of a conversation, oldest first. Never changed in place: conversations that part share them. */
export type ToolSteps = readonly ToolStep[];

export const noSteps: ToolSteps = [];

/** Longer memories than this nobody asks for. */
const stepsMax = 48;
/** Longer names and ids are nobody's. */
const nameMax = 128;

/**
 * The steps of a conversation with items behind it. Reads the items given and nothing else, so that a turn costs what it adds.
 * @param items messages, or items of the responses dialect, as they were parsed.
 */
export function extendSteps(
  before: ToolSteps,
  dialect: DialectName,
  items: readonly JsonValue[],
): ToolSteps {
  const reader = readers[dialect];
  if (reader === undefined) return noSteps;
  const steps = new StepList(before);
  // Of a long history only its end can matter: each step has two items, and words may stand between.
  for (const item of items.slice(-4 * stepsMax)) if (isObject(item)) reader(item, steps);
  return steps.taken();
}

/** The steps while items are read into them. */
class StepList {
  readonly #before: ToolSteps;
  #steps: ToolStep[] | undefined;
  /** Where the calls of the message that is being read begin: the same call twice in one message is one step. */
  #messageStart = 0;

  constructor(before: ToolSteps) {
    this.#before = before;
  }

  beginMessage(): void {
    this.#messageStart = this.#own().length;
  }

  call(id: string | undefined, tool: string | undefined, given: JsonValue | undefined): void {
    const steps = this.#own();
    const name = (tool ?? '').slice(0, nameMax);
    const call = crc32(`${name}\n${argumentsForm(given)}`);
    for (let at = this.#messageStart; at < steps.length; at++) if (steps[at]!.call === call) return;
    steps.push({ tool: name, call, result: undefined, id: id?.slice(0, nameMax) });
  }

  result(id: string | undefined, given: JsonValue | undefined): void {
    const steps = this.#own();
    const known = id?.slice(0, nameMax);
    const at = steps.findLastIndex((step) => step.result === undefined && step.id === known);
    if (at >= 0) steps[at] = { ...steps[at]!, result: resultSum(given) };
  }

  taken(): ToolSteps {
    return this.#steps?.slice(-stepsMax) ?? this.#before;
  }

  #own(): ToolStep[] {
    return (this.#steps ??= this.#before.slice());
  }
}

type ItemReader = (item: JsonObject, steps: StepList) => void;

const readers: Readonly<Partial<Record<DialectName, ItemReader>>> = {
  'openai-chat': readChatMessage,
  'openai-responses': readResponsesItem,
  'anthropic-messages': readAnthropicMessage,
};

function readChatMessage(message: JsonObject, steps: StepList): void {
  if (message['role'] === 'tool') {
    steps.result(textOf(message['tool_call_id']), message['content']);
    return;
  }
  const calls = arrayOf(message['tool_calls']);
  if (calls.length === 0) return;
  steps.beginMessage();
  for (const call of calls) {
    if (!isObject(call)) continue;
    const called = call['function'] ?? call['custom'];
    if (!isObject(called)) continue;
    steps.call(textOf(call['id']), textOf(called['name']), called['arguments'] ?? called['input']);
  }
}

function readResponsesItem(item: JsonObject, steps: StepList): void {
  const type = item['type'];
  if (type === 'function_call' || type === 'custom_tool_call') {
    // Parallel calls are neighbours here, not parts of one message; the same call twice is taken for two steps.
    steps.beginMessage();
    steps.call(textOf(item['call_id']), textOf(item['name']), item['arguments'] ?? item['input']);
  } else if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    steps.result(textOf(item['call_id']), item['output']);
  }
}

function readAnthropicMessage(message: JsonObject, steps: StepList): void {
  let began = false;
  for (const block of arrayOf(message['content'])) {
    if (!isObject(block)) continue;
    if (block['type'] === 'tool_use') {
      if (!began) steps.beginMessage();
      began = true;
      steps.call(textOf(block['id']), textOf(block['name']), block['input']);
    } else if (block['type'] === 'tool_result') {
      steps.result(textOf(block['tool_use_id']), block['content']);
    }
  }
}

/** Arguments in one form for all spellings: order of members and white space do not make another call. */
function argumentsForm(given: JsonValue | undefined): string {
  const value = typeof given === 'string' ? (parseJson(given) ?? given) : given;
  return new CanonicalForm().of(value);
}

/** Text is summed as it is; a list of parts by its JSON. */
function resultSum(given: JsonValue | undefined): number {
  return crc32(typeof given === 'string' ? given : JSON.stringify(given ?? null));
}
