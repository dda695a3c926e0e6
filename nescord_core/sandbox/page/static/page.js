// Starts the page: sets up its parts, then connects to the sandbox.
import { setUpComposer } from "/composer/composer.js";
import { $ } from "/elements.js";
import { connect } from "/event_feed.js";
import { setUpMessageKeys } from "/keyboard/message_list.js";
import { setUpShortcuts } from "/keyboard/shortcuts.js";
import { setUpInspector, showInspector } from "/inspector/inspector.js";
import { setUpSpeaker } from "/members.js";
import { setUpFollowing } from "/messages/following.js";
import "/messages/list.js";
import "/navigation/channel_list.js";
import { setUpLocation } from "/navigation/location.js";
import { openChannel, setUpDrawer } from "/navigation/open_channel.js";
import { setUpGuildMenu } from "/settings/guild.js";
import { setUpTheme } from "/theme.js";

// A button in the header that shows and hides a part of the page.
function setUpToggle(id, show) {
  const button = $(id);
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    show(on);
  });
}

const showMembers = (on) => { $("people").hidden = !on; };

// Below some width, the inspector takes the place of the members, and the button must say so.
function setUpInspectorToggle() {
  const narrow = matchMedia("(max-width: 1300px)");
  let hadMembers = false;
  setUpToggle("show-inspector", (on) => {
    if (narrow.matches && on) hadMembers = $("show-people").getAttribute("aria-pressed") === "true";
    if (narrow.matches && hadMembers) $("show-people").setAttribute("aria-pressed", String(!on));
    if (narrow.matches && hadMembers) showMembers(!on);
    showInspector(on);
  });
}

// In a narrow window, members are shown on request only.
function setUpMembers() {
  const narrow = matchMedia("(max-width: 1000px)");
  const fit = () => {
    $("show-people").setAttribute("aria-pressed", String(!narrow.matches));
    showMembers(!narrow.matches);
  };
  narrow.addEventListener("change", fit);
  fit();
}

setUpComposer();
setUpSpeaker();
setUpToggle("show-people", (on) => {
  // There is room for one of the two only.
  const inspector = $("show-inspector");
  if (on && matchMedia("(max-width: 1300px)").matches && inspector.getAttribute("aria-pressed") === "true") inspector.click();
  showMembers(on);
});
setUpInspectorToggle();
setUpDrawer();
setUpFollowing();
setUpGuildMenu();
setUpLocation(openChannel);
setUpMessageKeys();
setUpShortcuts();
setUpMembers();
setUpTheme();
setUpInspector();
connect();
