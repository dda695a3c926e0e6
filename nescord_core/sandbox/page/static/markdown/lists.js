// Lists: bulleted and numbered ones, nested by their indentation.

const LINE = / *(?:[*-]|\d+\.) +[^\n]+(?:\n|$)/;
const MORE = / +[^\n]+(?:\n|$)/;
const LIST = new RegExp(`^(?:${LINE.source})(?:${LINE.source}|${MORE.source})*`);
const ITEM = /^( *)([*-]|\d+\.) +([^\n]*)$/;
const MAX_DEPTH = 11;

export const listRule = (isLineStart, nested) => ({
  match: (source, state) => (isLineStart(state) && !state.inSpan ? LIST.exec(source) : null),
  parse: (match, parse, state) => {
    const lines = match[0].replace(/\n$/, "").split("\n");
    return listOf(itemsOf(lines), (text) => nested(parse, text, state, { inSpan: true }), 1);
  },
});

// Returns {indent, sign, lines} of each item; a line without a sign belongs to the item above.
function itemsOf(lines) {
  const items = [];
  for (const line of lines) {
    const match = ITEM.exec(line);
    if (match) items.push({ indent: match[1].length, sign: match[2], lines: [match[3]] });
    else items.at(-1).lines.push(line.trim());
  }
  return items;
}

// Items that are indented further than the first one of a list belong to the item above them.
function listOf(items, parseText, depth) {
  const [first] = items;
  const made = [];
  let at = 0;
  while (at < items.length) {
    const item = items[at];
    let end = at + 1;
    while (end < items.length && items[end].indent > item.indent && depth < MAX_DEPTH) end += 1;
    const inner = items.slice(at + 1, end);
    made.push({
      content: parseText(item.lines.join("\n")), list: inner.length ? listOf(inner, parseText, depth + 1) : null,
    });
    at = end;
  }
  const isNumbered = /\d/.test(first.sign);
  return { type: "list", isNumbered, start: isNumbered ? parseInt(first.sign, 10) : null, items: made };
}
