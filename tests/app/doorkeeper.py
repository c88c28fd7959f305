"""What a web server answers at the door: `python -m tests.app.doorkeeper HOME DATABASE PASSWORD CREDENTIAL…`.

Says of each sign-in or token who comes in with it, then signs ida in, makes her a token, and says both.
"""

import sys

from app.services.context import open_context
from app.services.sign_in import actor_for, sign_in
from app.services.tokens import PREFIX, bearer, create_token
from app.settings import Settings

if __name__ == "__main__":
    home, database, password, *credentials = sys.argv[1:]
    context = open_context(Settings.from_environment({"BGAD_HOME": home, "BGAD_DATABASE_URL": database}))
    for credential in credentials:
        who = bearer(context, credential) if credential.startswith(PREFIX) else actor_for(context, credential)
        print(who.name if who else "nobody")
    cookie = sign_in(context, "ida", password)
    ida = actor_for(context, cookie)
    print(cookie, create_token(context, ida, "tile", name="made elsewhere", scopes=["read"], days=1) if ida else "")
    context.database.dispose()
