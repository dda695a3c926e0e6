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
setUpToggle("show-people", showMembers);
setUpToggle("show-inspector", showInspector);
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
