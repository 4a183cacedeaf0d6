import type {
  Dialogue,
  DialogueMessage,
  DialogueQuestion,
} from '../context/fitting/evidence/dialogue.ts';
import { arrayOf, isObject, parseJson, textOf, type JsonValue } from '../kernel/json.ts';
import type { CountTokens } from '../kernel/token-count.ts';
import { lineFault } from '../replay/line-fault.ts';
import type { Line } from '../replay/lines.ts';

/**
 * Reads one line of a file of dialogues. Questions without evidence, or with evidence that is not in the dialogue, are left out and counted.
 * @throws EconomizerError `ECO_FILE` that names file, line and what is missing.
 */
export function readDialogue(
  line: Line,
  count: CountTokens,
): { readonly dialogue: Dialogue; readonly unanswerable: number } {
  const record = parseJson(line.text);
  if (!isObject(record) || !Array.isArray(record['messages'])) {
    throw lineFault(line, 'a dialogue is an object with "messages" (a list) and "questions".');
  }
  const messages = arrayOf(record['messages']).map((each, index) =>
    readMessage(line, each, index, count),
  );
  const ids = new Set(messages.map(({ id }) => id));
  const asked = arrayOf(record['questions']).map((each) => readQuestion(line, each));
  const questions = asked.filter(
    ({ evidence }) => evidence.length > 0 && evidence.every((id) => ids.has(id)),
  );
  return { dialogue: { messages, questions }, unanswerable: asked.length - questions.length };
}

function readMessage(
  line: Line,
  value: JsonValue,
  index: number,
  count: CountTokens,
): DialogueMessage {
  const message = isObject(value) ? value : {};
  const id = nameOf(message['id']);
  const text = contentText(message['content']);
  if (id === undefined || text === undefined) {
    throw lineFault(line, `message ${index + 1} needs an "id" and a "content" (text).`);
  }
  const session = nameOf(message['session']);
  return { id, role: textOf(message['role']) ?? 'user', text, session, tokens: count(text) };
}

function readQuestion(line: Line, value: JsonValue): DialogueQuestion {
  const text = isObject(value) ? textOf(value['text']) : undefined;
  if (!isObject(value) || text === undefined) {
    throw lineFault(line, 'each question needs a "text" and "evidence": [message id].');
  }
  const evidence = arrayOf(value['evidence']).map((id) => nameOf(id) ?? '');
  return { text, evidence: [...new Set(evidence)] };
}

function nameOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'number' ? String(value) : textOf(value);
}

/** A text, or the text parts of a list. */
function contentText(content: JsonValue | undefined): string | undefined {
  if (!Array.isArray(content)) return content === null ? '' : textOf(content);
  return arrayOf(content)
    .map((part) => (isObject(part) ? (textOf(part['text']) ?? '') : ''))
    .join('\n');
}
