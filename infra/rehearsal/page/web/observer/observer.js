// What happens behind the sign-in, as it happens. It only looks: nothing here changes anything.
import { showDecisions } from "./decisions.js";
import { showLedger } from "./ledger.js";
import { showMailbox } from "./mailbox.js";
import { listPeople } from "./people.js";

const connection = document.getElementById("connection");

function tell(state, text) {
  if (connection.dataset.state === state) return; // the browser tries again every few seconds, and is not to say so each time
  connection.dataset.state = state;
  connection.textContent = text;
}

const events = new EventSource("/events");

events.addEventListener("open", () => tell("live", "Live"));

events.addEventListener("error", () => {
  if (events.readyState === EventSource.CLOSED) tell("lost", "Connection lost. Reload the page once the rehearsal runs again.");
  else tell("trying", "Connection lost. Trying again …");
});

events.addEventListener("message", (event) => {
  const { ledger, letters, decisions } = JSON.parse(event.data);
  showLedger(ledger);
  showMailbox(letters);
  showDecisions(decisions);
});

listPeople();
