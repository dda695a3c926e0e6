// Discord's dialect of markdown, as rules for simple-markdown, which Discord's own client uses.
//
// Rules are tried in their order; each matches at the start of what is left. Blocks begin at the start of a line.
import SimpleMarkdown from "/vendor/simple-markdown.js";
import { listRule } from "/markdown/lists.js";

const { defaultRules } = SimpleMarkdown;

// Text within another element never begins a line.
const WITHIN_LINE = [" "];

const isLineStart = (state) => !state.prevCapture || state.prevCapture[0].endsWith("\n");

function inner(parse, text, state, more = {}) {
  const before = { ...state };
  const content = parse(text, Object.assign(state, more, { prevCapture: more.prevCapture ?? WITHIN_LINE }));
  for (const name of Object.keys(more)) state[name] = before[name];
  return content;
}

const nested = (parse, text, state, more) => inner(parse, text, state, { ...more, prevCapture: ["\n"] });

const anywhere = (pattern, parse) => ({ match: (source) => pattern.exec(source), parse });
const inline = (pattern) => anywhere(pattern, (match, parse, state) => ({ content: inner(parse, match[1], state) }));
const leaf = (pattern, make) => anywhere(pattern, make);
const block = (pattern, parse) => ({
  match: (source, state) => (isLineStart(state) && !state.inSpan ? pattern.exec(source) : null), parse,
});

const QUOTE = /^(?: *>>> ([^]*)|((?: *> [^\n]*(?:\n|$))+))/;
const unquoted = (match) => match[1] ?? match[2].replace(/^ *> /gm, "").replace(/\n$/, "");

const rules = {
  codeBlock: leaf(/^```(?:([\w+#.-]+?)\n)?\n*([^\n][^]*?)\n*```\n?/i, (match) => (
    { language: match[1]?.toLowerCase(), content: match[2] }
  )),
  quote: {
    match: (source, state) => (isLineStart(state) && !state.inQuote ? QUOTE.exec(source) : null),
    parse: (match, parse, state) => ({ content: nested(parse, unquoted(match), state, { inQuote: true }) }),
  },
  heading: block(/^(#{1,3}) +([^\n]+?) *(?:\n|$)/, (match, parse, state) => (
    { level: match[1].length, content: inner(parse, match[2], state, { inSpan: true }) }
  )),
  subtext: block(/^-# +([^\n]+?) *(?:\n|$)/, (match, parse, state) => (
    { content: inner(parse, match[1], state, { inSpan: true }) }
  )),
  list: listRule(isLineStart, nested),
  escape: leaf(/^\\([^0-9A-Za-z\s])/, (match) => ({ type: "text", content: match[1] })),
  code: leaf(/^(`+)([^]*?[^`])\1(?!`)/, (match) => (
    { content: match[2].replace(/^ (?= *`)|(` *) $/g, "$1") }
  )),
  maskedLink: leaf(/^\[((?:\[[^\]]*\]|[^[\]])*)\]\(<?(https?:\/\/[^\s)>]+)>?(?: +"([^"]*)")?\)/, (match, parse, state) => (
    { url: match[2], title: match[3], content: inner(parse, match[1], state, { inSpan: true }) }
  )),
  quietLink: leaf(/^<(https?:\/\/[^\s>]+)>/, (match) => ({ type: "link", url: match[1] })),
  link: {
    match: (source) => balanced(/^https?:\/\/[^\s<]+[^<.,:;"'\]\s]/.exec(source)),
    parse: (match) => ({ url: match[0] }),
  },
  user: leaf(/^<@!?(\d+)>/, (match) => ({ id: match[1] })),
  role: leaf(/^<@&(\d+)>/, (match) => ({ id: match[1] })),
  channel: leaf(/^<#(\d+)>/, (match) => ({ id: match[1] })),
  command: leaf(/^<\/([^:>\n]+):\d+>/, (match) => ({ name: match[1] })),
  page: leaf(/^<id:(guide|browse|customize|linked-roles)(?::\d+)?>/, (match) => ({ name: match[1] })),
  everyone: {
    match: (source, _, before) => (/\w$/.test(before) ? null : /^@(everyone|here)\b/.exec(source)),
    parse: (match) => ({ name: match[1] }),
  },
  emoji: leaf(/^<(a?):(\w+):(\d+)>/, (match) => ({ animated: Boolean(match[1]), name: match[2], id: match[3] })),
  timestamp: leaf(/^<t:(-?\d{1,13})(?::([tTdDfFRsS]))?>/, (match) => ({ seconds: Number(match[1]), style: match[2] ?? "f" })),
  // The longest of these wins, as for **_both_** and ***both***.
  em: { ...defaultRules.em, parse: spanOf((match) => match[2] || match[1]) },
  strong: { ...defaultRules.strong, parse: spanOf((match) => match[1]) },
  underline: { ...defaultRules.u, parse: spanOf((match) => match[1]) },
  strike: inline(/^~~([^]+?)~~(?!_)/),
  spoiler: inline(/^\|\|([^]+?)\|\|/),
  newline: leaf(/^\n/, () => ({ type: "text", content: "\n" })),
  text: leaf(/^[^]+?(?=[^0-9A-Za-z\s\u00c0-\uffff-]|\n|\w+:\S|$)/, (match) => ({ content: match[0] })),
};

function spanOf(textOf) {
  return (match, parse, state) => ({ content: inner(parse, textOf(match), state) });
}

// A closing bracket belongs to the address only if it has an opening one.
function balanced(match) {
  if (!match) return null;
  let [address] = match;
  while (address.endsWith(")") && address.split(")").length > address.split("(").length) address = address.slice(0, -1);
  return [address];
}

Object.values(rules).forEach((rule, at) => { rule.order = at; });
// These three are tried together, and the longest match is taken.
for (const name of ["em", "strong", "underline"]) rules[name].order = rules.em.order;

const parser = SimpleMarkdown.parserFor(rules);

// Returns the nodes of a text, {type, content, ...}.
export const parse = (text) => parser(text, { inline: true, inQuote: false, inSpan: false });
