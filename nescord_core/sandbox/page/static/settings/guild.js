// The menu of a guild: its channels, roles and bans.
import { attempt, call } from "/api.js";
import { contextMenu, dialog, formDialog } from "/dialogs.js";
import { $, el } from "/elements.js";
import { copy } from "/members.js";
import { newChannel } from "/settings/channels.js";
import { permissionBoxes } from "/settings/permissions.js";
import { currentGuild, DIRECT, names, state } from "/state.js";

const hexOf = (color) => `#${(color ?? 0).toString(16).padStart(6, "0")}`;

// Creates a role, or edits one.
function roleDialog(role) {
  const name = el("input", { required: true, maxlength: 100, value: role?.name ?? "", disabled: role?.id === state.guild });
  const color = el("input", { type: "color", value: hexOf(role?.color) });
  const hoist = el("input", { type: "checkbox", checked: role?.hoist });
  const mentionable = el("input", { type: "checkbox", checked: role?.mentionable });
  const boxes = permissionBoxes(role?.permissions ?? "0");
  const rows = [
    el("label", {}, el("span", {}, "Name"), name),
    el("label", {}, el("span", {}, "Colour"), color),
    el("label", { class: "check" }, hoist, el("span", {}, "List its members separately")),
    el("label", { class: "check" }, mentionable, el("span", {}, "Everybody can mention it")),
    boxes.element,
  ];
  dialog(role ? `Role ${role.name}` : "New role", rows, role ? "Save" : "Create", () => {
    const fields = {
      color: parseInt(color.value.slice(1), 16), hoist: hoist.checked, mentionable: mentionable.checked,
      permissions: boxes.value(), guild: state.guild, ...(name.disabled ? {} : { name: name.value }),
    };
    return attempt(() => call(role ? "PATCH" : "POST", role ? `/roles/${role.id}` : "/roles", fields));
  });
}

function chooseRole(title, verb, chosen) {
  const options = currentGuild().roles.map((each) => ({ value: each.id, label: each.name }));
  formDialog(title, [{ name: "role", label: "Role", options }], verb, ({ role }) => (
    chosen(currentGuild().roles.find((each) => each.id === role))
  ));
}

function bansDialog() {
  const options = currentGuild().bans.map((each) => ({ value: each, label: names.user(each) }));
  formDialog("Bans", [{ name: "user", label: "User", options }], "Unban", ({ user }) => (
    attempt(() => call("POST", "/unban", { user, guild: state.guild }))
  ));
}

function guildMenu(event) {
  const guild = currentGuild();
  if (!guild || state.guild === DIRECT) return;
  const deleteRole = (role) => attempt(() => call("DELETE", `/roles/${role.id}`, { guild: guild.id }));
  contextMenu(event, guild.name, [
    ["New channel", newChannel],
    ["New role", () => roleDialog(null)],
    ["Edit a role", () => chooseRole("Edit a role", "Edit", roleDialog)],
    ["Delete a role", () => chooseRole("Delete a role", "Delete", deleteRole)],
    guild.bans?.length && ["Bans", bansDialog],
    ["Remove the bot from this guild", () => attempt(() => call("DELETE", `/guilds/${guild.id}`))],
    ["Copy ID", () => copy(guild.id)],
  ]);
}

export const setUpGuildMenu = () => $("guild-name").addEventListener("click", guildMenu);
