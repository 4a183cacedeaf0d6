/**
 * What stands in the place of a tool's result that was left out. It depends on nothing but the result, so that it stays the same
 * for as long as the conversation goes on, and with it the provider's cached prefix.
 */
export function placeholderFor(characters: number): string {
  return `[A tool result of ${characters} characters stood here and was left out to save room. Call the tool again if you need it.]`;
}

/** About what a placeholder costs; masking less than a few times that is not worth its bytes. */
export const placeholderTokens = 30;
