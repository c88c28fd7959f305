"""A browser that is open when its sign-in ends."""

import pytest

from app.services.accounts import set_disabled
from app.services.authority import OPERATOR
from app.services.context import open_context
from tests.app.conftest import settings_in
from tests.journeys.conftest import NAME
from tests.journeys.product import settled
from tests.patience import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_page_that_lies_open_hears_nothing_more_and_leads_to_the_sign_in(product, page_of):
    page = page_of(product)
    settled(page)  # a page that is left while its socket opens never tells that it closed
    context = open_context(settings_in(product.home))
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(f"{product.url}/gallery")
    settled(page)
    assert sockets and not sockets[-1].is_closed()
    set_disabled(context, OPERATOR, NAME, disabled=True)
    closed = lambda: page.evaluate("() => 1") and all(socket.is_closed() for socket in sockets)  # noqa: E731
    wait_for(closed, what="the sockets to be closed")  # the page itself does nothing meanwhile
    page.reload()
    page.get_by_role("button", name="Sign in").wait_for()
    context.database.dispose()
