"""gunicorn wsgi:app"""

import gc

gc.disable()  # nothing that is loaded here is ever thrown away: looking for it costs a sixth of the start
from webapp import create_app  # noqa: E402

app = create_app()
gc.freeze()  # and from now on the collector leaves it alone, so that forked workers go on sharing it
gc.enable()
