// The account after sign-in: the ids in production and staging, and the data as it is copied.
import { reached } from "./cognito.js";
import { byId, say } from "./view.js";

// SessionEnded means that the access token is no longer accepted.
export class SessionEnded extends Error {}

export async function readAccount(accessToken) {
  const response = await reached(fetch("/account", { headers: { Authorization: `Bearer ${accessToken}` } }));
  if (response.status === 401) throw new SessionEnded();
  if (!response.ok) throw new Error(`read account: status ${response.status}`);
  return reached(response.json());
}

// A user who was never in staging has nothing to wait for.
const isComplete = (account) => account.state === "moved" || !account.stagingSub;

export function showAccount(account) {
  byId("account-name").textContent = account.name || account.email;
  byId("account-email").textContent = account.email;
  byId("staging-sub").textContent = account.stagingSub;
  byId("production-sub").textContent = account.productionSub;
  byId("was-in-staging").hidden = byId("new-id").hidden = !account.stagingSub;
  byId("account-state").textContent = byId("account-state").dataset.state = account.state;
  byId("account-news").textContent = news(account);
  showProfile(Object.entries(account.profile ?? {}));
  showProjects(account.projects, account.projectCount);
}

// forgetAccount removes one user's data before the next user signs in.
export function forgetAccount() {
  showAccount({ email: "", name: "", productionSub: "", stagingSub: "", state: "", projects: [], projectCount: 0 });
}

function news(account) {
  if (!isComplete(account)) return "Your projects are still being copied. You can start already; this page updates by itself.";
  return account.stagingSub ? "All your data has been copied." : "Your account was created in production, so nothing had to be copied.";
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

let drawn = "[]"; // the projects that are shown

function showProjects(projects, count) {
  byId("project-count").textContent = count;
  byId("no-projects").hidden = count > 0;
  byId("more-projects").hidden = count <= projects.length;
  byId("more-projects").textContent = `and ${count - projects.length} more`;
  const wanted = JSON.stringify(projects);
  if (wanted === drawn) return; // so that a selection stays
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

// Waits between reads during a move, in seconds: short at first, then longer, for about five minutes.
const waits = [...Array(10).fill(1), ...Array(20).fill(3), ...Array(40).fill(6)];

// follow reads the account until everything is copied or the session ends.
export async function follow(session, account) {
  for (const seconds of waits) {
    if (isComplete(account)) return;
    await new Promise((done) => setTimeout(done, seconds * 1000));
    if (session.ended) return;
    const next = await readAccount(session.accessToken).catch((error) => {
      if (error instanceof SessionEnded) throw error; // after any other error, the next read may succeed
    });
    if (session.ended) return;
    if (!next) continue;
    account = next;
    showAccount(account);
    if (isComplete(account)) say("news", "All your projects have been copied.");
  }
  if (!isComplete(account)) byId("account-news").textContent = "Copying your projects takes longer than usual. It continues; please check again later.";
}
