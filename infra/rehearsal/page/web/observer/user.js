// One user at a time: marked in all lists, and what the app does not show of who is signed in.
import { byId, markUser, writeUser } from "./list.js";

let signedIn = "";

// The user under the pointer or the focus is marked, else who is signed in.
for (const event of ["pointerover", "focusin"]) {
  document.addEventListener(event, ({ target }) => markUser(target.closest?.("[data-email]")?.dataset.email || signedIn));
}

byId("account").addEventListener("shown", ({ detail: account }) => {
  signedIn = account.email;
  markUser(signedIn);
  const stored = byId("stored");
  const pairs = [
    ["id in staging", account.stagingSub], ["id in production", account.productionSub],
    ...Object.entries(account.profile ?? {}), ...(account.projects ?? []).map((project) => [project.title, project.file]),
  ].filter(([, value]) => value);
  stored.hidden = pairs.length === 0;
  writeUser(stored, account.email);
  stored.querySelector("dl").replaceChildren(...pairs.map(([name, value]) => {
    const pair = byId("pair").content.firstElementChild.cloneNode(true);
    pair.querySelector("dt").textContent = name;
    pair.querySelector("dd").textContent = value;
    return pair;
  }));
});
