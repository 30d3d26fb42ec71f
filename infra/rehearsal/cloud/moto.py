"""Runs moto. The models and the operations are moto's own, corrected where they differ from what Cognito documents of
tokens and of settings. It takes a port of this machine, and serves until it is killed. Unlike moto_server it is fast for a
pool of thousands of users:

- Connections are kept alive. moto_server closes each, and asks the file system for its list of modules at each request.
- A user is found by name through an index. moto searches the whole pool and parses each user's attributes.
"""

import functools
import io
import sys
import uuid
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import moto.core.responses
from moto.cognitoidp.models import (
    CognitoIdpBackend, CognitoIdpUser, CognitoIdpUserPool, CognitoIdpUserPoolAttribute, CognitoIdpUserPoolClient,
)
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


def as_documented(create_jwt):
    """Cognito developer guide, Understanding the identity (ID) token: what says that an address is verified is a JSON
    boolean, and event_id is the sign-in's."""

    def create(pool, client_id, username, token_use, expires_in=3600, extra_data=None):
        claims = {**extra_data, "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, extra_data["origin_jti"]))}
        for name in ("email_verified", "phone_number_verified"):
            if name in claims:
                claims[name] = claims[name] == "true"
        return create_jwt(pool, client_id, username, token_use, expires_in, claims)

    return create


def pool_settings(update):
    """UpdateUserPool resets what a call leaves out (API reference), as moto does, but not what can be set only at
    creation. Every pool has the standard attributes, and a password policy requires only what it names (Cognito developer
    guide, User pool attributes; Password requirements)."""
    at_creation = ("UsernameAttributes", "AliasAttributes", "UsernameConfiguration")
    policy = {"MinimumLength": 8}
    policy.update({f"Require{kind}": False for kind in ("Uppercase", "Lowercase", "Numbers", "Symbols")})

    def apply(pool, config):
        before = getattr(pool, "extended_config", {})
        config = {**config, **{name: before[name] for name in at_creation if name in before}}
        if given := config.get("Policies", {}).get("PasswordPolicy"):
            config["Policies"] = {"PasswordPolicy": {**policy, **given}}
        if schema := config.get("Schema"):
            named = {attribute["Name"] for attribute in schema}
            standard = CognitoIdpUserPoolAttribute.STANDARD_SCHEMA.items()
            config["Schema"] = schema + [{"Name": name, **rest} for name, rest in standard if name not in named]
        if before:
            config.pop("Schema", None)
        update(pool, config)

    return apply


def client_settings(update):
    """UpdateUserPoolClient resets what a call leaves out (API reference). moto keeps it."""

    def apply(backend, pool_id, client_id, config):
        if client := backend.describe_user_pool(pool_id).clients.get(client_id):
            named = {"ClientName": client.extended_config.get("ClientName"), **config}
            client.extended_config = CognitoIdpUserPoolClient(pool_id, False, named).extended_config
        return update(backend, pool_id, client_id, config)

    return apply


def without_empty(to_json):
    return lambda client, extended=False: {
        name: value for name, value in to_json(client, extended).items() if value not in ([], {}, "", None)
    }


def readable(pool, client_id, username):
    """A client without ReadAttributes reads all (Cognito developer guide, Attribute permissions and scopes)."""
    listed = pool.clients[client_id].extended_config.get("ReadAttributes")
    attributes = ((a["Name"], a["Value"]) for a in pool._get_user(username).attributes)
    return {name: value for name, value in attributes if name != "sub" and (not listed or name in listed)}


def of_session(respond):
    """The session is one user's. moto accepts any name that comes with the answer."""

    def answer(backend, session, client_id, challenge, responses):
        if session in backend.sessions:
            responses = {**responses, "USERNAME": backend.sessions[session][0]}
        return respond(backend, session, client_id, challenge, responses)

    return answer


class Users:
    """Finds users by the names that they sign in with."""

    def __init__(self):
        self.by_value = {}
        self.scan = CognitoIdpUserPool._get_user
        self.update = CognitoIdpUser.update_attributes

    def updated(self, user, attributes):
        self.update(user, attributes)
        for name in ("email", "phone_number"):
            if value := user.attribute_lookup.get(name):
                self.by_value[user.user_pool_id, name, value] = user

    def find(self, pool, username):
        if user := pool.users.get(username):
            return user
        for name in pool.extended_config.get("UsernameAttributes") or []:
            user = self.by_value.get((pool.id, name, username))
            if not user:
                continue
            if pool.users.get(user.username) is user and user.attribute_lookup.get(name) == username:
                return user
            return self.scan(pool, username)  # changed or deleted since, and another user may have it
        return None


def use_indexes():
    users = Users()
    CognitoIdpUser.update_attributes = lambda self, attributes: users.updated(self, attributes)
    CognitoIdpUserPool._get_user = lambda self, username: users.find(self, username)
    # Otherwise they are read from the class at each request.
    responses = moto.core.responses
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)


class Application(DomainDispatcherApplication):
    """Remembers which part of moto serves which service."""

    def __init__(self):
        super().__init__(create_backend_app)
        self.known = {}

    def get_application(self, environ):
        scope = environ.get("HTTP_AUTHORIZATION", "").split("/")
        if len(scope) < 4:
            return super().get_application(environ)
        service = scope[3]
        if service not in self.known:
            self.known[service] = super().get_application(environ)
        return self.known[service]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self):
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ = self.get_environ()
        environ.update({
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        })
        head = []
        out = b"".join(self.server.get_app()(environ, lambda status, headers, _=None: head.extend((status, headers))))
        code, _, reason = head[0].partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in head[1]:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def main():
    CognitoIdpUserPool.create_jwt = as_documented(CognitoIdpUserPool.create_jwt)
    CognitoIdpUserPool.update_extended_config = pool_settings(CognitoIdpUserPool.update_extended_config)
    CognitoIdpUserPool.get_user_extra_data_by_client_id = readable
    CognitoIdpBackend.respond_to_auth_challenge = of_session(CognitoIdpBackend.respond_to_auth_challenge)
    CognitoIdpBackend.update_user_pool_client = client_settings(CognitoIdpBackend.update_user_pool_client)
    CognitoIdpUserPoolClient.to_json = without_empty(CognitoIdpUserPoolClient.to_json)
    use_indexes()
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    server.set_app(Application())
    server.serve_forever()


main()
