// The account after sign-in: who one is in production and was in staging, and one's things as they arrive.
import { reached } from "./cognito.js";
import { byId, say } from "./view.js";

// SessionEnded: the access token is no longer taken.
export class SessionEnded extends Error {}

export async function readAccount(accessToken) {
  const response = await reached(fetch("/account", { headers: { Authorization: `Bearer ${accessToken}` } }));
  if (response.status === 401) throw new SessionEnded();
  if (!response.ok) throw new Error(`read account: status ${response.status}`);
  return reached(response.json());
}

// Whoever was never in staging has nothing to wait for.
const arrived = (account) => account.state === "moved" || !account.stagingSub;

export function showAccount(account) {
  byId("account-name").textContent = account.name || account.email;
  byId("account-email").textContent = account.email;
  byId("staging-sub").textContent = account.stagingSub;
  byId("production-sub").textContent = account.productionSub;
  byId("was-in-staging").hidden = byId("same-person").hidden = !account.stagingSub;
  byId("account-state").textContent = byId("account-state").dataset.state = account.state;
  byId("account-news").textContent = news(account);
  showProfile(Object.entries(account.profile ?? {}));
  showProjects(account.projects, account.projectCount);
}

// forgetAccount leaves nothing of anybody to whoever comes next.
export function forgetAccount() {
  showAccount({ email: "", name: "", productionSub: "", stagingSub: "", state: "", projects: [], projectCount: 0 });
}

function news(account) {
  if (!arrived(account)) return "Your projects are still arriving. You can begin already; this page looks again by itself.";
  return account.stagingSub ? "Everything of yours has arrived." : "Your account began in production, so nothing had to move.";
}

function showProfile(fields) {
  byId("no-profile").hidden = fields.length > 0;
  byId("profile").replaceChildren(...fields.map(([name, value]) => {
    const row = copyOf("profile-field");
    row.querySelector("dt").textContent = name;
    row.querySelector("dd").textContent = value;
    return row;
  }));
}

let drawn = "[]"; // the projects that stand there

function showProjects(projects, count) {
  byId("project-count").textContent = count;
  byId("no-projects").hidden = count > 0;
  byId("more-projects").hidden = count <= projects.length;
  byId("more-projects").textContent = `and ${count - projects.length} more`;
  const wanted = JSON.stringify(projects);
  if (wanted === drawn) return; // what somebody reads or selects stays
  drawn = wanted;
  byId("projects").replaceChildren(...projects.map((project) => {
    const item = copyOf("project");
    item.querySelector(".title").textContent = project.title;
    item.querySelector(".progress").textContent = `${project.progress} %`;
    item.querySelector(".file").textContent = project.file;
    return item;
  }));
}

const copyOf = (template) => byId(template).content.firstElementChild.cloneNode(true);

// When to look again while things arrive, in seconds: often at first, then less, for some five minutes.
const looks = [...Array(10).fill(1), ...Array(20).fill(3), ...Array(40).fill(6)];

// follow looks again until everything is there, as long as the session lasts.
export async function follow(session, account) {
  for (const seconds of looks) {
    if (arrived(account)) return;
    await new Promise((done) => setTimeout(done, seconds * 1000));
    if (session.ended) return;
    const next = await readAccount(session.accessToken).catch((error) => {
      if (error instanceof SessionEnded) throw error; // any other error: the next look may succeed
    });
    if (session.ended) return;
    if (!next) continue;
    account = next;
    showAccount(account);
    if (arrived(account)) say("news", "All your projects have arrived.");
  }
  if (!arrived(account)) byId("account-news").textContent = "Your projects take longer than usual. They keep arriving; look in again later.";
}
