// The account after sign-in: the user's data, as it is copied.
import { CognitoError, reached } from "./cognito.js";
import { byId, introduce, say } from "./view.js";
import { news } from "./words.js";

// SessionEnded is the code if the access token is no longer accepted.
export const SessionEnded = "SessionEnded";

export async function readAccount(accessToken) {
  const response = await reached(fetch("/account", { headers: { Authorization: `Bearer ${accessToken}` } }));
  if (response.status === 401) throw new CognitoError(SessionEnded, "read account");
  if (!response.ok) throw new Error(`read account: status ${response.status}`);
  return reached(response.json());
}

// A user who was never in staging has nothing to wait for.
const isComplete = (account) => account.state === "moved" || !account.stagingSub;

// showAccount shows what belongs to the user. The event is for who wants to see the ids and paths too.
export function showAccount(account) {
  byId("account-email").textContent = byId("account-email").title = account.email;
  byId("no-profile").hidden = Boolean(account.profile);
  byId("profile").hidden = !account.profile;
  byId("profile-name").textContent = account.profile?.name;
  byId("profile-picture").textContent = fileName(account.profile?.avatar);
  showProjects(account.projects ?? [], account.projectCount);
  byId("account").dispatchEvent(new CustomEvent("shown", { detail: account }));
}

// forgetAccount removes one user's data before the next user signs in.
export function forgetAccount() {
  showAccount({ email: "", projectCount: 0 });
}

const fileName = (path = "") => path.slice(path.lastIndexOf("/") + 1);

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
    const item = byId("project").content.firstElementChild.cloneNode(true);
    item.querySelector(".title").textContent = project.title;
    item.querySelector(".progress").textContent = `${project.progress} %`;
    item.querySelector(".file").textContent = fileName(project.file);
    return item;
  }));
}

// Waits between reads during a move, in seconds: short at first, then longer, for about five minutes.
const waits = [...Array(10).fill(1), ...Array(20).fill(3), ...Array(40).fill(6)];

// follow reads the account until everything is copied or the session ends.
export async function follow(session, account) {
  if (isComplete(account)) return;
  introduce(news.copying);
  for (const seconds of waits) {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    if (session.ended) return;
    const next = await readAccount(session.accessToken).catch((error) => {
      if (error.code === SessionEnded) throw error; // after any other error, the next read may succeed
    });
    if (session.ended) return;
    if (!next) continue;
    showAccount(next);
    if (isComplete(next)) return say("news", news.copied);
  }
  introduce(news.copyingLong);
}
