// Discord's permissions by their bit, and the dialogs that change those of roles and channels.
import { attempt, call } from "/api.js";
import { dialog } from "/dialogs.js";
import { el } from "/elements.js";
import { currentGuild, state } from "/state.js";

// In the order in which they are listed: [bit, name].
const PERMISSIONS = [
  [10, "View channels"], [11, "Send messages"], [38, "Send messages in threads"],
  [35, "Create public threads"], [36, "Create private threads"], [14, "Embed links"], [15, "Attach files"],
  [6, "Add reactions"], [18, "Use external emoji"], [16, "Read message history"], [17, "Mention everyone"],
  [31, "Use application commands"], [13, "Manage messages"], [34, "Manage threads"], [49, "Send polls"],
  [20, "Connect"], [21, "Speak"], [0, "Create invites"], [1, "Kick members"], [2, "Ban members"],
  [40, "Time out members"], [26, "Change nickname"], [27, "Manage nicknames"], [28, "Manage roles"],
  [4, "Manage channels"], [29, "Manage webhooks"], [30, "Manage expressions"], [33, "Manage events"],
  [7, "View audit log"], [5, "Manage server"], [3, "Administrator"],
];
const NOT_IN_CHANNELS = new Set([1, 2, 40, 26, 27, 30, 7, 5, 3]);
const NAMES = new Map(PERMISSIONS);
const BITS = [...NAMES.keys()];

const has = (mask, bit) => (BigInt(mask ?? 0) >> BigInt(bit)) & 1n;
const maskOf = (bits) => String(bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n));

// Checkboxes for a role's permissions; value() returns the bit mask, with the bits that have no name here.
export function permissionBoxes(mask) {
  const boxes = BITS.map((bit) => {
    const box = el("input", { type: "checkbox", checked: Boolean(has(mask, bit)) });
    return [bit, box];
  });
  const unnamed = BITS.reduce((left, bit) => left & ~(1n << BigInt(bit)), BigInt(mask ?? 0));
  const rows = boxes.map(([bit, box]) => el("label", { class: "check" }, box, el("span", {}, NAMES.get(bit))));
  return {
    element: el("fieldset", {}, el("legend", {}, "Permissions"), ...rows),
    value: () => String(BigInt(maskOf(boxes.filter(([, box]) => box.checked).map(([bit]) => bit))) | unnamed),
  };
}

// A dialog with what a role or a member may do in a channel: allowed, denied, or as elsewhere.
export function channelPermissions(channel) {
  const guild = currentGuild();
  const targets = [
    ...guild.roles.map((each) => ({ value: each.id, label: each.name })),
    ...guild.members.map((each) => ({ value: each.user.id, label: `@${each.user.username}` })),
  ];
  const target = el("select", {}, ...targets.map((each) => el("option", { value: each.value }, each.label)));
  const choices = new Map();
  const table = el("div", { class: "permissions" });
  const draw = () => {
    const current = (channel.permission_overwrites ?? []).find((each) => each.id === target.value);
    choices.clear();
    table.replaceChildren(...BITS.filter((bit) => !NOT_IN_CHANNELS.has(bit)).map((bit) => {
      const value = has(current?.allow, bit) ? "allow" : has(current?.deny, bit) ? "deny" : "";
      const options = [["", "as elsewhere"], ["allow", "allowed"], ["deny", "denied"]];
      const choice = el("select", {}, ...options.map(([each, label]) => (
        el("option", { value: each, selected: each === value }, label))));
      choices.set(bit, choice);
      return el("label", {}, el("span", {}, NAMES.get(bit)), choice);
    }));
  };
  target.addEventListener("change", draw);
  draw();
  const bitsOf = (kind) => [...choices].filter(([, choice]) => choice.value === kind).map(([bit]) => bit);
  const rows = [el("label", {}, el("span", {}, "Role or member"), target), table];
  dialog(`Permissions of #${channel.name}`, rows, "Save", () => attempt(() => call(
    "POST", `/channels/${channel.id}/permissions`,
    { target: target.value, allow: maskOf(bitsOf("allow")), deny: maskOf(bitsOf("deny")), guild: state.guild },
  )));
}
