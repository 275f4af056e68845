/** Control characters, what changes the direction of text, and what looks like nothing: none of it may reach a terminal from a file's name. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A name from a repository as it may be shown: escape sequences and other control characters stand there as `\x1b`. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** The same for what is told on several lines, with tabs. */
export function printableLines(text: string): string {
  return text.replace(unprintable, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** Whether a text can be shown as it is. */
export function isPrintable(text: string): boolean {
  return printable(text) === text;
}

/** How many columns of a terminal a text takes; of characters that are two wide, those in use. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}/u.test(character)) continue;
    width += /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303F\uFF01-\uFF60]/u.test(character) ? 2 : 1;
  }
  return width;
}

/** Cuts a text that is wider than so many columns, in the middle: names that differ mostly do so at their ends. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  const characters = Array.from(text);
  let [head, tail] = ['', ''];
  while (characters.length > 0) {
    const takesHead = displayWidth(head) <= displayWidth(tail);
    const next = takesHead ? characters.shift() : characters.pop();
    if (next === undefined || displayWidth(head) + displayWidth(tail) + displayWidth(next) + 1 > columns) break;
    if (takesHead) head += next;
    else tail = next + tail;
  }
  return `${head}…${tail}`;
}
