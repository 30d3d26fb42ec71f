// The sign-in that a user of Spaceport sees: one view at a time, from the password, or a forgotten one, to the account.
// Tokens and passwords are in memory only and are lost with the page.
import { follow, forgetAccount, readAccount, showAccount } from "./account.js";
import { CognitoError, reached, userPool } from "./cognito.js";
import { check, checkAsTyped, setRules, toggle } from "./password.js";
import { blame, busy, byId, hush, say, show } from "./view.js";
import { inWords, news, sendAgain, welcome } from "./words.js";

const signIn = byId("sign-in"), email = byId("sign-in-email"), password = byId("sign-in-password");
const forgot = byId("forgot"), forgotEmail = byId("forgot-email");
const reset = byId("reset"), resetEmail = byId("reset-email"), code = byId("reset-code"), newPassword = byId("reset-password");
const resend = byId("resend");
const account = byId("account");

// pool reads the user pool's address and password policy, and again if that failed. Your own front end has both in its
// build.
let pooled;
const pool = () => pooled ??= readPool().catch((error) => { pooled = undefined; throw error; });

async function readPool() {
  const settings = await reached((await reached(fetch("/rehearsal.json"))).json());
  setRules(settings.passwordPolicy);
  return userPool(settings);
}

pool().catch(() => {}); // the next form that is sent shows the error

let session = { ended: true };

// Each form's work calls Cognito and returns what to do next. That is dropped if the user has left the form meanwhile.

onSubmit(signIn, async (left) => {
  const name = email.value;
  try {
    return await enter(name, password.value, left);
  } catch (error) {
    if (error.code !== "PasswordResetRequiredException") throw error;
    // A forced reset. No code is requested by itself: it would make that of an earlier email, such as a sweep's, invalid.
    return () => { toReset(name); say("news", news.mustReset); };
  }
});

async function enter(name, typed, left, told) {
  const { challenge, ...tokens } = await (await pool()).signIn(name, typed);
  if (challenge) throw new CognitoError("Challenge", challenge);
  const found = await readAccount(tokens.accessToken).catch((error) => { revoke(tokens); throw error; });
  if (left()) revoke(tokens);
  return () => {
    forgetPasswords();
    session = { ...tokens, ended: false };
    showAccount(found);
    show(account, byId("title"), welcome(found.name || found.email));
    if (told) say("news", told);
    follow(session, found).catch((error) => { leave(); say("error", inWords("sign-in", error.code).text); });
  };
}

// revoke is for tokens that will not be used. They expire anyway.
async function revoke({ refreshToken }) {
  await (await pool()).signOut(refreshToken).catch(() => {});
}

onSubmit(forgot, async () => {
  const name = forgotEmail.value;
  const sentTo = await sendCode(name);
  return () => awaitCode(name, news.codeSent(sentTo));
});

const revealsUsers = ["UserNotFoundException", "NotAuthorizedException", "InvalidParameterException"];

// sendCode returns the masked address that the code was sent to. Even if the app client reveals which users exist, this
// page does not ("Managing user existence error responses").
async function sendCode(name) {
  const sentTo = await (await pool()).forgotPassword(name).catch((error) => {
    if (!revealsUsers.includes(error.code)) throw error;
  });
  return sentTo ?? name.replace(/^(.)[^@]*@(.).*$/, "$1***@$2***");
}

onSubmit(reset, async (left) => {
  const name = resetEmail.value, chosen = newPassword.value;
  const users = await pool(); // it also sets the rules
  if (check(chosen).length) throw new CognitoError("InvalidPasswordException", "it was not sent");
  await users.confirmForgotPassword(name, code.value.replace(/\s/g, ""), chosen);
  try {
    return await enter(name, chosen, left, news.passwordSet);
  } catch {
    return () => { toSignIn(name); say("news", news.signInAgain); };
  }
});

onClick(resend, () => {
  if (!resetEmail.reportValidity()) return;
  attempt(reset, resend, async () => {
    const sentTo = await sendCode(resetEmail.value);
    return () => awaitCode(resetEmail.value, news.codeSent(sentTo));
  });
});

onClick(byId("sign-out"), () => {
  signOut();
  say("news", news.signedOut);
});

onClick(byId("to-forgot"), () => toForgot());
onClick(byId("forgot-back"), () => toSignIn(forgotEmail.value));
onClick(byId("reset-back"), () => toSignIn(resetEmail.value));
onClick(byId("to-reset"), () => toReset(email.value));
onClick(byId("have-code"), () => toReset(forgotEmail.value));

checkAsTyped(newPassword);
const hidePasswords = [toggle(byId("sign-in-show"), password), toggle(byId("reset-show"), newPassword)];

// A browser that returns to this page restores the fields. Only its password store may fill in these two.
addEventListener("pageshow", () => { code.value = newPassword.value = ""; });

// From view to view.

function toSignIn(name) {
  forgetPasswords();
  email.value = name;
  show(signIn, name ? password : email);
}

function toForgot() {
  forgetPasswords();
  forgotEmail.value = email.value;
  show(forgot, forgotEmail);
}

// toReset requests no code: the user has one.
function toReset(name) {
  forgetPasswords();
  resetEmail.value = name;
  check("");
  show(reset, name ? code : resetEmail);
}

function awaitCode(name, told) {
  toReset(name);
  say("news", told);
  holdResend();
}

function signOut() {
  revoke(session);
  leave();
}

function leave() {
  session.ended = true;
  session = { ended: true };
  forgetAccount();
  forgotEmail.value = resetEmail.value = "";
  toSignIn("");
}

function forgetPasswords() {
  password.value = newPassword.value = code.value = "";
  for (const hide of hidePasswords) hide();
}

// A new code makes the previous one invalid, so the button is disabled for a while.
let held;

function holdResend() {
  let seconds = 10;
  const tick = () => {
    resend.disabled = seconds > 0;
    resend.textContent = sendAgain(seconds);
    if (seconds-- === 0) clearInterval(held);
  };
  clearInterval(held);
  held = setInterval(tick, 1000);
  tick();
}

// How forms are sent, and how errors are shown.

function onClick(button, act) {
  button.addEventListener("click", act);
}

function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, event.submitter ?? form.querySelector("[type=submit]"), work);
  });
}

async function attempt(form, button, work) {
  if (form.getAttribute("aria-busy")) return;
  hush();
  const { username } = form.elements, name = username.value;
  const left = () => form.hidden || username.value !== name;
  try {
    const next = await busy(form, button, () => work(left));
    if (!left()) next();
  } catch (error) {
    if (!left()) fail(form, button, error);
  }
}

const link = document.createElement("button");
link.type = "button";
onClick(link, toForgot);

function fail(form, button, error) {
  if (!error.code) console.error(error); // not from Cognito: a developer should see it
  const { text, about, offer } = inWords(form.id, error.code);
  link.textContent = offer;
  say("error", text, ...(offer ? [link] : []));
  if (offer) forgetPasswords();
  if (about) blame(byId(about));
  else button.focus(); // to try again
}

// A link to this page that ends in #code is for users who got a code in an email.
function followLink() {
  if (location.hash !== "#code") return;
  history.replaceState(null, "", location.pathname);
  if (!session.ended) signOut();
  toReset("");
}

addEventListener("hashchange", followLink);
followLink();
