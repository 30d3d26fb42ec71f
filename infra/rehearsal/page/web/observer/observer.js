// What happens behind the sign-in, as it happens. It only looks: nothing here changes anything.
import { showDecisions } from "./decisions.js";
import { showLedger } from "./ledger.js";
import { byId } from "./list.js";
import { showMailbox } from "./mailbox.js";
import { listPeople } from "./people.js";

const connection = byId("connection");

function tell(state, text) {
  if (connection.dataset.state === state) return; // the browser tries again every few seconds, and is not to say so each time
  connection.dataset.state = state;
  connection.textContent = text;
}

let events;

function open() {
  events = new EventSource("/events");
  events.addEventListener("open", () => tell("live", "Live"));
  events.addEventListener("error", lose);
  events.addEventListener("message", (event) => {
    const { ledger, ledgerCount, letters, decisions } = JSON.parse(event.data);
    showLedger(ledger, ledgerCount);
    showMailbox(letters);
    showDecisions(decisions);
  });
}

// lose is called again at each attempt that fails.
function lose() {
  if (connection.dataset.state === "live" && events.readyState === EventSource.CONNECTING) tell("trying", "Connection lost. Trying again …");
  else tell("lost", "The rehearsal has ended, or cannot be reached. If you start it again, open the address that it prints.");
}

// A browser has six connections to a host, for all its tabs: one that nobody sees takes none.
function watchWhileSeen() {
  events?.close();
  if (document.hidden) tell("resting", "Not watched");
  else open();
}

document.addEventListener("visibilitychange", watchWhileSeen);
watchWhileSeen();

listPeople();
