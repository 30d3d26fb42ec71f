// What a person is told for each of Cognito's error codes, by the form they sent. Nothing here may tell whether an account
// exists: unknown, disabled and mistyped read the same.

const tooOften = { text: "That was tried too often. Wait a while, up to an hour, and try again." };

// A trigger could not decide, or not in time. Nothing was written, and trying again helps.
const moving = { text: "We are moving to a new system, which is busy just now. Please try again in a moment." };

const everywhere = {
  Unreachable: { text: "Spaceport cannot be reached just now. Check your connection and try again." },
  LimitExceededException: tooOften,
  TooManyFailedAttemptsException: tooOften,
  TooManyRequestsException: { text: "Many people are signing in just now. Please try again in a moment." },
  UserLambdaValidationException: moving,
  UnexpectedLambdaException: moving,
  InvalidLambdaResponseException: moving,
  InvalidParameterException: { text: "Something that you entered cannot be used. Check it and try again." },
};

// Also what a forced reset can look like where user existence errors are hidden, and what too many wrong passwords get. So
// it offers a way on that serves all of them ("Managing user existence error responses", "Lockout behavior for failed
// sign-in attempts").
const wrongSignIn = {
  text: "E-mail and password do not match. Check both and try again, or choose “Forgot your password?” to set a new one: since "
    + "Spaceport moved to its new system, that is needed once for some.",
  about: "sign-in-password",
  offersReset: true,
};

// A stranger's code is always wrong, and a user's may also have run out. So both are told alike.
const wrongCode = {
  text: "That code is not right, or no longer good. Enter the one from our newest e-mail, or choose “Send a new code”.",
  about: "reset-code",
};

const byForm = {
  "sign-in": {
    NotAuthorizedException: wrongSignIn,
    UserNotFoundException: wrongSignIn,
    UserNotConfirmedException: wrongSignIn,
  },
  "forgot": {
    CodeDeliveryFailureException: { text: "The e-mail with your code could not be sent. Please try again in a moment." },
  },
  "reset": {
    CodeMismatchException: wrongCode,
    UserNotFoundException: wrongCode,
    NotAuthorizedException: wrongCode,
    ExpiredCodeException: wrongCode,
    InvalidPasswordException: { text: "That password does not meet the rules. Choose another one.", about: "reset-password" },
    PasswordHistoryPolicyViolationException: { text: "You have used that password before. Choose another one.", about: "reset-password" },
  },
};

// inWords returns { text, about, offersReset }: what to say, the id of the field that it is about, if it is about one, and
// whether a new password may help.
export function inWords(form, code) {
  return byForm[form][code] ?? everywhere[code] ?? { text: "Something went wrong on our side. Please try again in a moment." };
}

// A challenge, such as NEW_PASSWORD_REQUIRED or SOFTWARE_TOKEN_MFA, wants a step that this page does not have.
export const challengeInWords =
  "Your password is right, but your account asks for a further step, which this page does not offer. Please contact support.";
