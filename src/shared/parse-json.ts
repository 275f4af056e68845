/** The value of a text of JSON; undefined when it is none, as after a crash in the middle of writing it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
