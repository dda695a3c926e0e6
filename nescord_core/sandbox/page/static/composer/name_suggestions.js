// Suggests people, roles, channels and emoji while their names are typed: after @, # and :.
import { emojiList, everyone, mentionables, namedChannels } from "/composer/names.js";
import { customEmoji } from "/elements.js";

const TYPED = /(^|[\s(*_~|>])([@#:])([^\s@#:]*)$/;
const LEAST_EMOJI = 2;

// Returns {hint, items: [{label, note, text, caret}], preselect} for the word before the caret, or null.
export function nameSuggestions(text, caret) {
  const match = TYPED.exec(text.slice(0, caret));
  if (!match) return null;
  const [, , sign, typed] = match;
  const found = { "@": people, "#": places, ":": emoji }[sign](typed.toLowerCase());
  const items = found.map(({ insert, ...shown }) => {
    const before = `${text.slice(0, caret - typed.length - 1)}${insert} `;
    return { ...shown, text: before + text.slice(caret).replace(/^ /, ""), caret: before.length };
  });
  return items.length ? { hint: "", items, preselect: true } : null;
}

// Names that begin with what is typed come first.
function ranked(list, typed, namesOf) {
  const rank = (each) => Math.min(...namesOf(each).map((name) => {
    const at = name.toLowerCase().indexOf(typed);
    return at < 0 ? Infinity : at ? 1 : 0;
  }));
  const ranks = list.map((each) => [rank(each), each]).filter(([order]) => order < Infinity);
  return ranks.sort(([a], [b]) => a - b).map(([, each]) => each);
}

function people(typed) {
  const all = ranked(mentionables(), typed, (each) => [each.name, each.note]);
  const groups = everyone.filter((each) => each.startsWith(typed)).map((name) => (
    { name, note: name === "here" ? "everybody who is online here" : "everybody here" }
  ));
  return [...all, ...groups].map(({ name, note }) => (
    { label: `@${name}`, note: note === name ? "" : note, insert: `@${name}` }
  ));
}

const places = (typed) => ranked(namedChannels(), typed, (each) => [each.name]).map(({ name, note }) => (
  { label: `#${name}`, note, insert: `#${name}` }
));

function emoji(typed) {
  if (typed.length < LEAST_EMOJI) return [];
  return ranked(emojiList(), typed, (each) => each.names).map(({ names, id, emoji: character }) => {
    const name = names.find((each) => each.includes(typed)) ?? names[0];
    const picture = id ? customEmoji(name, id) : character;
    return { label: `:${name}:`, picture, note: "", insert: id ? `:${name}:` : character };
  });
}
