// Cognito's API as any web client calls it: JSON over HTTP, nothing to sign. Chapters named here are those of the Amazon
// Cognito developer guide.

// CognitoError carries the code by which a caller decides. Cognito's own text is for developers; it is never shown.
export class CognitoError extends Error {
  constructor(code, text) {
    super(`${code}: ${text}`);
    this.code = code;
  }
}

// Unreachable stands where no answer came.
export const Unreachable = "Unreachable";

// reached is what came, where something came.
export async function reached(coming) {
  try {
    return await coming;
  } catch (error) {
    throw new CognitoError(Unreachable, error.message);
  }
}

// A trigger has 5 seconds, and Cognito calls it up to three times ("Customizing user pool workflows with Lambda triggers").
const patience = 30_000;

export function userPool({ endpoint, clientId }) {
  const call = (operation, input) => post(endpoint, operation, { ClientId: clientId, ...input });
  return {
    // signIn returns { accessToken, refreshToken }, or { challenge } where Cognito wants more than a password.
    async signIn(email, password) {
      const answer = await call("InitiateAuth", {
        // The one thing that a migration asks of a front end: the trigger needs the password, and SRP would keep it from
        // Cognito ("Importing users with a user migration Lambda trigger"). When the migration is over, go back to SRP.
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: email, PASSWORD: password },
      });
      const tokens = answer.AuthenticationResult;
      return tokens ? { accessToken: tokens.AccessToken, refreshToken: tokens.RefreshToken } : { challenge: answer.ChallengeName };
    },

    // forgotPassword has a code sent and returns where to, masked. It returns that for a stranger too, and nothing is sent
    // ("Managing user existence error responses").
    async forgotPassword(email) {
      const answer = await call("ForgotPassword", { Username: email });
      return answer.CodeDeliveryDetails?.Destination;
    },

    async confirmForgotPassword(email, code, password) {
      await call("ConfirmForgotPassword", { Username: email, ConfirmationCode: code, Password: password });
    },

    // signOut ends this session and no other of the same person ("Ending user sessions with token revocation").
    async signOut(refreshToken) {
      await call("RevokeToken", { Token: refreshToken });
    },
  };
}

async function post(endpoint, operation, input) {
  const request = {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(input),
    signal: AbortSignal.timeout(patience),
  };
  const response = await reached(fetch(endpoint, request));
  const answer = parse(await reached(response.text()));
  if (!response.ok) {
    const code = answer.__type ?? `Http${response.status}`;
    throw new CognitoError(code.slice(code.lastIndexOf("#") + 1), answer.message);
  }
  return answer;
}

// parse takes what is no JSON, such as nothing at all or a proxy's error page, for an answer without fields.
function parse(body) {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}
