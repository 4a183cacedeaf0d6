/**
 * True if `text` has the form of `pattern`, in which `*` stands for any text, also none. Takes at most `pattern x text` steps, whatever
 * they are: a regular expression with many stars could be made to run for hours.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let inPattern = 0;
  let inText = 0;
  let star = -1;
  let resumeAt = 0;
  while (inText < text.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern++;
      resumeAt = inText;
    } else if (pattern[inPattern] === text[inText]) {
      inPattern++;
      inText++;
    } else if (star >= 0) {
      // The last star takes one character more; an earlier one never needs to.
      inPattern = star + 1;
      inText = ++resumeAt;
    } else return false;
  }
  while (pattern[inPattern] === '*') inPattern++;
  return inPattern === pattern.length;
}
