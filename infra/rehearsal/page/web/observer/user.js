// One user at a time: marked in all lists, and what the app does not show of who is signed in.
import { byId, writeUser } from "./list.js";

// markUser marks all items of a user while the pointer or the focus is on one of them.
function markUser({ target }) {
  const email = target.closest?.("[data-email]")?.dataset.email;
  for (const item of document.querySelectorAll("[data-email]")) {
    item.classList.toggle("same", Boolean(email) && item.dataset.email === email);
  }
}

for (const event of ["pointerover", "focusin"]) document.addEventListener(event, markUser);

byId("account").addEventListener("shown", ({ detail: account }) => {
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
