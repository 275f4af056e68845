/** The value of a text of JSON; undefined when there is none or it is none, as after a crash in the middle of writing it. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
